import { parseArgs, type ParseArgsOptionDescriptor } from 'node:util'

/** One option of a command: what `parseArgs` takes, and what people read about it. */
type Option = ParseArgsOptionDescriptor & {
  about: string
  /** What stands for the value in the help, such as `FOLDER`; or the words that are allowed. */
  value?: string | readonly string[]
}
type Options = Record<string, Option>

interface Command<O extends Options> {
  /** As it is typed, such as `npm run bench --`. */
  usage: string
  /** What it does, in a sentence or two. */
  about: string
  options: O
  /** What other arguments there may be, such as `[FILE...]`. Without it there are none. */
  positionals?: string
}

type Read<O extends Options> = ReturnType<
  typeof parseArgs<{ options: O & { help: typeof HELP }; strict: true; allowPositionals: boolean }>
>

const WRONG_USAGE = 2
const HELP = { type: 'boolean', short: 'h', about: 'prints this' } as const

/**
 * What the command line asks for. `--help` prints the command in plain words and ends the process; an
 * option that does not exist, or a word that it does not take, is one line and exit code 2.
 */
export function readOptions<const O extends Options>(command: Command<O>): Read<O> {
  const options = { ...command.options, help: HELP }
  try {
    const parsed = parseArgs({
      options,
      strict: true,
      allowPositionals: command.positionals !== undefined,
    })
    if ('help' in parsed.values) {
      process.stdout.write(toHelp(command, options))
      process.exit(0)
    }
    refuseOtherWords(options, parsed.values)
    return parsed
  } catch (error) {
    refuseUsage(error instanceof Error ? error.message : String(error))
  }
}

/** Ends the process with one line about how it was called. */
export function refuseUsage(message: string): never {
  const [sentence = ''] = message.split('. ')
  process.stderr.write(`${sentence.replace(/\.$/u, '')}. --help lists what there is.\n`)
  process.exit(WRONG_USAGE)
}

function refuseOtherWords(options: Options, values: Record<string, unknown>): void {
  for (const [name, { value }] of Object.entries(options)) {
    if (typeof value !== 'object' || values[name] === undefined) continue
    const given = [values[name]].flat().map(String)
    const other = given.find((word) => !value.includes(word))
    if (other !== undefined) throw new Error(`--${name} takes ${value.join(', ')}, not ${other}`)
  }
}

function toHelp({ usage, about, positionals }: Command<Options>, options: Options): string {
  const rows = Object.entries(options).map(([name, option]) => {
    const { value = 'VALUE' } = option
    const words = typeof value === 'string' ? value : value.join('|')
    const unset = option.default === undefined || option.default === false
    const fallback = unset || Array.isArray(option.default) ? '' : ` (${String(option.default)})`
    return [
      `  --${name}${option.type === 'string' ? ` ${words}` : ''}`,
      `${option.about}${fallback}`,
    ]
  })
  const lines = rows.map(([left = '', right = '']) => `${left}\n      ${right}`)
  const head = [usage, '[OPTION...]', positionals].filter((word) => word !== undefined).join(' ')
  return `${head}\n\n${about}\n\n${lines.join('\n')}\n`
}
