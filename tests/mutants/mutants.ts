import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The product without one safety, and the suite that has to notice. */
export interface Mutant {
  /** Of its file, without the ending. */
  name: string
  patch: string
  /** What it leaves out, and what becomes of users then. */
  about: string
  /** A law of docs/architecture.md by its number, or a row of its table by the words of the row. */
  law: string
  part: 'unit' | 'system' | 'scenario'
  /** Path of a test file, as `npm test` takes it. */
  suite: string
}

const PATCHES = fileURLToPath(new URL('./patches/', import.meta.url))
/** What a patch begins with: a sentence, its law and its suite, each on a line of its own. */
const HEAD =
  /^(?<about>[^\n]+)\nLaw: (?<law>[^\n]+)\nSuite: (?<part>unit|system|scenario) (?<suite>\S+)\n/u

/** All of them, by name. Throws where a patch does not say what it is for. */
export function readMutants(): Mutant[] {
  return readdirSync(PATCHES)
    .toSorted()
    .map((file) => {
      const patch = `${PATCHES}${file}`
      const { about, law, part, suite } = HEAD.exec(readFileSync(patch, 'utf8'))?.groups ?? {}
      if (!about || !law || !part || !suite) throw new Error(`${file} lacks its head`)
      return {
        name: file.replace('.patch', ''),
        patch,
        about,
        law,
        suite,
        part: part as Mutant['part'],
      }
    })
}

/** Puts a patch on the checkout in `folder`, or takes it off again; `check` changes nothing. */
export async function applyMutant(
  { patch }: Mutant,
  folder: string,
  how: '--check' | '--reverse' | '--verbose',
): Promise<void> {
  await promisify(execFile)('git', ['apply', how, patch], { cwd: folder })
}
