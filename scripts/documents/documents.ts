import { format, resolveConfig } from 'prettier'

/** The texts of documents as they are kept, by their paths in the repository. */
export type Documents = Record<string, string>

/** `text` in the layout that the check of formatting asks for. */
export async function layOut(text: string, parser: 'json' | 'markdown'): Promise<string> {
  return format(text, { ...(await resolveConfig(import.meta.filename)), parser })
}
