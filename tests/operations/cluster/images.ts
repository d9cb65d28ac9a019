import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { makeStandIns, STAND_INS } from '../compose/stand-ins/make.ts'
import { buildImage, findDocker, IMAGE } from '../support/docker.ts'
import type { Lab } from './lab.ts'

/** Of the second version: the same program under another name, as far as a roll-out can tell. */
export const NEXT_TAG = 'next'
const NEXT_IMAGE = `${IMAGE.slice(0, IMAGE.lastIndexOf(':'))}:${NEXT_TAG}`

interface MadeImages {
  docker: string
  names: string[]
}

/** Builds the product's image twice, and what stands in for its stores where no registry is at hand. */
export async function makeImages(report: (line: string) => void): Promise<MadeImages> {
  const docker = findDocker()
  if (docker === undefined) throw new Error('no Docker Engine answers')
  await buildImage(docker)
  await buildImage(docker, { tag: NEXT_IMAGE, version: NEXT_TAG })
  await makeStandIns(docker, ['redis', 'mongo'])
  const names = [IMAGE, NEXT_IMAGE, STAND_INS.redis.image, STAND_INS.mongo.image]
  report(`images: ${names.join(', ')}`)
  return { docker, names }
}

/** Hands them to the node's container runtime, which knows no registry. */
export async function loadImages(lab: Lab, { docker, names }: MadeImages): Promise<void> {
  const saving = spawn(docker, ['save', ...names], { stdio: ['ignore', 'pipe', 'inherit'] })
  const load = ['ctr', '--namespace', 'k8s.io', 'images', 'import', '-']
  const loading = spawn(lab.inside, load, { stdio: [saving.stdout, 'ignore', 'inherit'] })
  const codes = await Promise.all([once(saving, 'exit'), once(loading, 'exit')])
  if (codes.some(([code]) => code !== 0)) throw new Error('the node did not take the images')
}
