import { execFileSync, spawnSync } from 'node:child_process'
import { findDocker } from '../../support/docker.ts'

export interface ComposeCommand {
  docker: string
  /** What compose is called by: `docker compose`, or `docker-compose` where that is all there is. */
  command: [string, ...string[]]
}

/** The compose of this machine and the docker that it talks to; a reason where one is missing. */
export function findCompose(): ComposeCommand | string {
  const docker = findDocker()
  if (docker === undefined) return 'no Docker Engine answers'
  const commands: [string, ...string[]][] = [[docker, 'compose'], ['docker-compose']]
  const command = commands.find(([program, ...args]) => answers(program, ...args, 'version'))
  return command === undefined ? 'neither docker compose nor docker-compose' : { docker, command }
}

/** Why the file cannot be loaded as docker compose 2 does it; undefined where it can. */
export function findLoaderSkipReason(): string | undefined {
  return answers('go', 'version') ? undefined : 'no go for the library of docker compose 2'
}

/** Builds the program that loads a file with the library of docker compose 2. */
export function buildLoader(folder: string): string {
  const path = `${folder}/loader`
  const cwd = new URL('../loader/', import.meta.url)
  execFileSync('go', ['build', '-buildvcs=false', '-o', path, '.'], { cwd, timeout: 240_000 })
  return path
}

function answers(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { timeout: 10_000 }).status === 0
}
