import { parseArgs, type ParseArgsOptionDescriptor } from 'node:util'

/** An option of a command: the input of `parseArgs`, and its description. */
type Option = ParseArgsOptionDescriptor & {
  about: string
  /** The placeholder of the value in the help, for example `FOLDER`, or the allowed words. */
  value?: string | readonly string[]
}
type Options = Record<string, Option>

interface Command<O extends Options> {
  /** The command as it is typed, for example `npm run bench --`. */
  usage: string
  /** What it does, in one or two sentences. */
  about: string
  options: O
  /** The other arguments, for example `[FILE...]`. Without it there are none. */
  positionals?: string
}

type Read<O extends Options> = ReturnType<
  typeof parseArgs<{ options: O & { help: typeof HELP }; strict: true; allowPositionals: boolean }>
>

const WRONG_USAGE = 2
const HELP = { type: 'boolean', short: 'h', about: 'prints this' } as const

/**
 * Parses the command line. `--help` prints a description and ends the process. An unknown option or
 * word prints one line and ends it with exit code 2.
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

/** Ends the process with one line about its arguments. */
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
