import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { ROOT } from '../run-command.ts'

/** The texts of documents, by path in the repository. */
export type Documents = Record<string, string>

/** Returns `text` formatted as the formatting check requires. */
export async function layOut(text: string, parser: 'json' | 'markdown'): Promise<string> {
  return format(text, { ...(await resolveConfig(import.meta.filename)), parser })
}

/** A comment on its own line. */
type ToComment = (text: string) => string
const HASH: ToComment = (text) => `# ${text}`
export const MARKUP: ToComment = (text) => `<!-- ${text} -->`

/** Returns the file with each of `parts` between the marks of its label. */
export async function fillIn(
  path: string,
  parts: Readonly<Record<string, string>>,
  toComment: ToComment = HASH,
): Promise<string> {
  let text = await readFile(join(ROOT, path), 'utf8')
  for (const [label, part] of Object.entries(parts)) {
    const [begin, end] = [`${label}: written by \`npm run docs\``, `end of ${label}`].map(toComment)
    const [head, rest] = text.split(`${begin}\n`)
    const [, tail] = rest?.split(end ?? '') ?? []
    if (head === undefined || tail === undefined) throw new Error(`${path} has lost its marks`)
    const indent = /[ ]*$/.exec(head)?.[0] ?? ''
    text = `${head}${begin}\n${part.replace(/^(?=.)/gm, indent)}${indent}${end}${tail}`
  }
  return text
}
