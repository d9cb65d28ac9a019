import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const FOLDERS = ['shared', 'services', 'web', 'bench', 'tests', 'scripts', 'docs', 'helm']
const CONFIGURATION = [
  '.dependency-cruiser.cjs',
  '.env.example',
  'docker-compose.yml',
  'eslint.config.js',
  'jest.config.js',
  'package.json',
  'prettier.config.js',
  'tsconfig.base.json',
]
const GENERATED = ['node_modules', 'dist', 'build']
const TSC = ['--noEmit', '--composite', 'false', '--project', 'seeded.json']
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

export interface Seed {
  path: string
  /** The text that the seed is put in front of. */
  before: string
  lines: string
}

export interface RepositoryCopy {
  readonly folder: string
  /** Adds files; a path that exists is replaced. */
  write(files: Record<string, string>): Promise<void>
  /** Adds lines to files. Rejects where one has no place for them. */
  sow(seeds: readonly Seed[]): Promise<void>
  read(path: string): Promise<string>
  /** Of these and what they import, the files that the compiler finds wrong. */
  wrongFiles(files: readonly string[]): Promise<string[]>
  /** Adds a package of that name that exports nothing. */
  addPackage(name: string): Promise<void>
  /** Runs a tool's own program on the copy; resolves with what it prints, whatever its exit code. */
  run(tool: string, args: readonly string[]): Promise<string>
  /** Runs a program of the copy; resolves as `run` does. */
  runScript(path: string): Promise<string>
  remove(): Promise<void>
}

/** The sources and the configuration in a folder of their own, to break rules in. */
export async function copyRepository(): Promise<RepositoryCopy> {
  const home = await mkdtemp(join(tmpdir(), 'chatbox-architecture-'))
  for (const folder of FOLDERS) {
    await cp(join(ROOT, folder), join(home, folder), {
      recursive: true,
      filter: (path) => !GENERATED.includes(basename(path)),
    })
  }
  for (const file of CONFIGURATION) await cp(join(ROOT, file), join(home, file))
  await linkPackages(home)

  async function write(files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(home, path)), { recursive: true })
      await writeFile(join(home, path), text)
    }
  }
  const read = (path: string): Promise<string> => readFile(join(home, path), 'utf8')
  const runTool = (tool: string, args: readonly string[]): Promise<string> =>
    run([join(ROOT, 'node_modules', tool), ...args], home)
  return {
    folder: home,
    write,
    read,
    async sow(seeds) {
      for (const { path, before, lines } of seeds) {
        const text = await read(path)
        if (!text.includes(before)) throw new Error(`${path} has no place for the seed`)
        await write({ [path]: text.replace(before, lines + before) })
      }
    },
    async wrongFiles(files) {
      const project = { extends: './tsconfig.base.json', files }
      await write({ 'seeded.json': JSON.stringify(project) })
      const printed = await runTool('typescript/bin/tsc', TSC)
      const found = Array.from(printed.matchAll(/^(\S+?)\(\d+,\d+\): error/gmu), ([, file]) => file)
      return [...new Set(found)].map((file) => file ?? '').toSorted()
    },
    async addPackage(name) {
      const folder = `node_modules/${name}`
      await rm(join(home, folder), { recursive: true, force: true })
      await write({
        [`${folder}/package.json`]: JSON.stringify({ name, version: '1.0.0', main: 'index.js' }),
        [`${folder}/index.js`]: 'export {}\n',
      })
    },
    run: runTool,
    runScript: (path) => run(['--conditions=chatbox-source', path], home),
    remove: () => rm(home, { recursive: true }),
  }
}

/** Packages are the repository's own installed ones, but workspaces are the copy's. */
async function linkPackages(home: string): Promise<void> {
  const packages = join(ROOT, 'node_modules')
  await mkdir(join(home, 'node_modules/@chatbox'), { recursive: true })
  for (const name of await readdir(packages)) {
    if (name.startsWith('.') || name === '@chatbox') continue
    await symlink(join(packages, name), join(home, 'node_modules', name))
  }
  for (const group of ['shared', 'services', 'web']) {
    for (const name of await readdir(join(home, group))) {
      await symlink(join(home, group, name), join(home, 'node_modules/@chatbox', name))
    }
  }
}

async function run(args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, maxBuffer: MAX_OUTPUT_BYTES }
    execFile(process.execPath, args, options, (error, stdout) => {
      // A tool that found something ends with an exit code; one that broke prints nothing to parse.
      if (error && stdout === '') reject(new Error(error.message))
      else resolve(stdout)
    })
  })
}
