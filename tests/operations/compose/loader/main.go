// Loads a compose file as docker compose 2 does, by its own library, and prints it as JSON.
//
//	loader COMPOSE_FILE... < variables
//
// Variables are NAME=VALUE lines on standard input, and come from nowhere else. Exits with 1 and one
// line where the file cannot be loaded.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := load(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func load(files []string) error {
	var variables []string
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		variables = append(variables, lines.Text())
	}
	options, err := cli.NewProjectOptions(
		files,
		cli.WithName("chatbox"),
		cli.WithEnv(variables),
		cli.WithProfiles([]string{"*"}),
	)
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(project)
}
