import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'

interface LockedPackage {
  resolved?: string
  integrity?: string
  link?: boolean
  optionalDependencies?: Record<string, string>
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, LockedPackage>
}

it('ties no package to one registry', () => {
  const tied = Object.entries(packages).filter(([, { link, resolved }]) => !link && resolved)
  expect(tied).toEqual([])
})

// npm writes none for a package of another platform that it has not fetched. A registry could then
// give that platform anything.
it('says what every package contains', () => {
  const unknown = Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))
  expect(unknown).toEqual([])
})

// npm leaves out a package that the registry at hand does not have, and `npm ci` then refuses the file.
it('holds the packages of every platform', () => {
  const paths = Object.keys(packages)
  const missing = Object.entries(packages)
    .filter(([path]) => path !== '')
    .flatMap(([, { optionalDependencies = {} }]) => Object.keys(optionalDependencies))
    .filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`)))
  expect(missing).toEqual([])
})

// The image takes the packages at the top alone, and would run with another version of such a one.
it('nests no package of the product in a workspace', () => {
  const nested = Object.keys(packages).filter((path) =>
    /^(shared|services)\/[^/]+\/node_modules\//.test(path),
  )
  expect(nested).toEqual([])
})
