import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { TOOLS } from './tools.ts'

/** The part of a schema that is looked at here. */
interface Schema {
  $ref?: string
  type?: string
  format?: string
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-preserve-unknown-fields'?: boolean
}

interface Definition {
  spec: {
    group: string
    names: { kind: string }
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[]
  }
}

/** Definitions of kinds that are not of Kubernetes itself, from the modules of their makers. */
const DEFINITIONS = [
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    files: [
      'example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml',
      'example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml',
    ],
  },
  {
    module: 'github.com/kedacore/keda/v2@v2.21.0',
    files: ['config/crd/bases/keda.sh_scaledobjects.yaml'],
  },
  {
    module: 'sigs.k8s.io/gateway-api@v1.4.0',
    files: ['config/crd/standard/gateway.networking.k8s.io_httproutes.yaml'],
  },
]
const DOWNLOAD_MS = 120_000

function go(args: readonly string[], cwd: string): string {
  return execFileSync('go', args, { cwd, encoding: 'utf8', timeout: DOWNLOAD_MS })
}

function downloadModule(module: string): string {
  // Outside of any module of ours: it is read and not built.
  const { Dir } = JSON.parse(go(['mod', 'download', '-json', module], '/')) as { Dir: string }
  return Dir
}

/**
 * Writes a schema for each kind of these into `folder`, as kubeconform looks for them. Of Kubernetes
 * itself the one version that the tools are built from; fields that it does not know are refused.
 */
export function writeSchemas(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const source = go(['list', '-m', '-f', '{{.Dir}}', 'k8s.io/kubernetes'], TOOLS).trim()
  writeCoreSchemas(join(source, 'api/openapi-spec/swagger.json'), folder)
  for (const { module, files } of DEFINITIONS) {
    const home = downloadModule(module)
    for (const file of files) writeDefinedSchemas(join(home, file), folder)
  }
}

function writeCoreSchemas(path: string, folder: string): void {
  const { definitions } = JSON.parse(readFileSync(path, 'utf8')) as {
    definitions: Record<string, Schema>
  }
  const strict = Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [name, toStrict(schema, name)]),
  )
  for (const schema of Object.values(strict)) {
    for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
      const used = Object.fromEntries(usedBy(schema, strict).map((name) => [name, strict[name]]))
      write(folder, { group, version, kind }, { ...schema, definitions: used })
    }
  }
}

function writeDefinedSchemas(path: string, folder: string): void {
  for (const document of parseAllDocuments(readFileSync(path, 'utf8'))) {
    const { spec } = document.toJS() as Definition
    for (const { name: version, schema } of spec.versions) {
      const { group, names } = spec
      // A definition says nothing of metadata, which every object has.
      const { properties, ...rest } = schema.openAPIV3Schema
      const whole = { ...rest, properties: { ...properties, metadata: {} } }
      write(folder, { group, version, kind: names.kind }, toStrict(whole))
    }
  }
}

function write(
  folder: string,
  { group, version, kind }: { group: string; version: string; kind: string },
  schema: object,
): void {
  const suffix = [group.split('.')[0], version].filter(Boolean).join('-')
  writeFileSync(join(folder, `${kind}-${suffix}.json`.toLowerCase()), JSON.stringify(schema))
}

/** Both forms where the API takes both, and no field beside those that are named. */
function toStrict(schema: Schema, name = ''): Schema {
  if (schema['x-kubernetes-int-or-string'] ?? schema.format === 'int-or-string') return {}
  if (name.endsWith('.Quantity')) return {}
  const { items, additionalProperties: more } = schema
  return {
    ...schema,
    ...toStrictFields(schema),
    ...(items && { items: toStrict(items) }),
    ...(typeof more === 'object' && { additionalProperties: toStrict(more) }),
  }
}

function toStrictFields(schema: Schema): Schema {
  const { properties, additionalProperties: more } = schema
  if (!properties) return {}
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] ?? more !== undefined
  return {
    properties: Object.fromEntries(
      Object.entries(properties).map(([key, value]) => [key, toStrict(value)]),
    ),
    additionalProperties: isOpen ? (more ?? true) : false,
  }
}

/** The names of all definitions that a schema leads to. */
function usedBy(schema: Schema, all: Readonly<Record<string, Schema>>): string[] {
  const found = new Set<string>()
  const open: unknown[] = [schema]
  while (open.length > 0) {
    const next = open.pop()
    if (typeof next !== 'object' || next === null) continue
    const { $ref } = next as Schema
    const name = typeof $ref === 'string' ? $ref.replace('#/definitions/', '') : undefined
    if (name !== undefined && !found.has(name)) {
      found.add(name)
      open.push(all[name])
    }
    open.push(...(Object.values(next) as unknown[]))
  }
  return [...found]
}
