import { readdirSync, readFileSync } from 'node:fs'

export interface CorpusAnswer {
  name: string
  text: string
  /** What the page makes of it, without what every link has. */
  html: string
}

const FOLDER = new URL('./corpus/', import.meta.url)
/** One answer is `===== name`, its text, `=====>` and its HTML. */
const ANSWER = /^===== (?<name>.+)\n(?<text>[^]*?)\n=====>\n(?<html>[^]*?)\n*(?=^===== |(?![^]))/gm

/** Reads all answers of the corpus, one file for each language. */
export function readCorpus(): CorpusAnswer[] {
  return readdirSync(FOLDER).flatMap((file) => {
    const source = readFileSync(new URL(file, FOLDER), 'utf8')
    return Array.from(source.matchAll(ANSWER), ({ groups: { name, text, html } = {} }) => ({
      name: `${file.replace('.txt', '')}: ${name}`,
      text: text ?? '',
      html: html ?? '',
    }))
  })
}
