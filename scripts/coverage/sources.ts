import { glob, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { ROOT } from '../run-command.ts'
import type { V8Entry } from './lines.ts'

/** Every file of a package that is not a test: also the ones that nothing has loaded. */
export async function findSources(): Promise<string[]> {
  const paths: string[] = []
  const patterns = ['{shared,services,web}/*/src/**/*.{ts,tsx}', 'bench/src/**/*.ts']
  for await (const path of glob(patterns, { cwd: ROOT })) {
    if (!/[.](test|d)[.]tsx?$/.test(path)) paths.push(path)
  }
  return paths.toSorted()
}

/** A source as V8 sees it when nothing in it has run: tells which of its lines are code. */
export async function toUnused(path: string): Promise<V8Entry> {
  const text = await readFile(join(ROOT, path), 'utf8')
  const url = pathToFileURL(join(ROOT, path)).href
  const script = path.endsWith('.tsx')
    ? transpile(path, text)
    : { source: stripTypeScriptTypes(text) }
  const ranges = [{ startOffset: 0, endOffset: script.source.length, count: 0 }]
  return { url, ...script, functions: [{ functionName: '', isBlockCoverage: true, ranges }] }
}

function transpile(path: string, text: string): Pick<V8Entry, 'source' | 'sourceMap'> {
  const { outputText, sourceMapText = '{}' } = ts.transpileModule(text, {
    fileName: path,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      jsx: ts.JsxEmit.ReactJSX,
      sourceMap: true,
    },
  })
  const map = { ...(JSON.parse(sourceMapText) as object), sources: [path], sourcesContent: [text] }
  return { source: outputText, sourceMap: map }
}
