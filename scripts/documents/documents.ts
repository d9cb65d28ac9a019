import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { ROOT } from '../run-command.ts'

/** The texts of documents as they are kept, by their paths in the repository. */
export type Documents = Record<string, string>

/** `text` in the layout that the check of formatting asks for. */
export async function layOut(text: string, parser: 'json' | 'markdown'): Promise<string> {
  return format(text, { ...(await resolveConfig(import.meta.filename)), parser })
}

/** A comment that stands alone in its line. */
type ToComment = (text: string) => string
const HASH: ToComment = (text) => `# ${text}`
export const MARKUP: ToComment = (text) => `<!-- ${text} -->`

/** The file with `parts` between their marks, each part by the label of its marks. */
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
