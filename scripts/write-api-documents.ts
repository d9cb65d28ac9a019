// Writes docs/openapi.json and docs/asyncapi.json from the contract: part of `npm run docs`. With
// `--check` it only says whether they are out of date.
import { asyncApiDocument, openApiDocument } from '@chatbox/contract'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'

const PATH_PREFIX = '/chatbox'

/** The documents as they are kept in the repository, by file name. */
export async function toApiDocuments(): Promise<Record<string, string>> {
  const documents = {
    'openapi.json': openApiDocument({ pathPrefix: PATH_PREFIX }),
    'asyncapi.json': asyncApiDocument({ pathPrefix: PATH_PREFIX }),
  }
  const config = await resolveConfig(import.meta.filename)
  const written = Object.entries(documents).map(async ([name, document]) => [
    name,
    await format(JSON.stringify(document), { ...config, parser: 'json' }),
  ])
  return Object.fromEntries(await Promise.all(written)) as Record<string, string>
}

/** Where a document is kept. */
export function toPath(name: string): string {
  return fileURLToPath(new URL(`../docs/${name}`, import.meta.url))
}

async function main(check: boolean): Promise<void> {
  for (const [name, text] of Object.entries(await toApiDocuments())) {
    const path = toPath(name)
    if (!check) {
      await writeFile(path, text)
    } else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
      console.error(`docs/${name} is out of date: run \`npm run docs\``)
      process.exitCode = 1
    }
  }
}

if (import.meta.filename === process.argv[1]) await main(process.argv.includes('--check'))
