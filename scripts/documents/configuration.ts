import { describeSettings, PROCESS_KINDS, type SettingDescription } from '@chatbox/kit'
import { layOut, type Documents } from './documents.ts'

const INTRODUCTION = `# Settings

A process reads its settings from the environment once, when it starts; in development also from a
\`.env\` file in the working directory, which never overrides what is set. Everything that is wrong
with them is reported at once, by name and never with the value, and the process ends with exit
code 78. A name that is a slip away from one of these is warned of.

\`--print-config\` prints the settings in force as JSON, secrets hidden, and ends:

\`\`\`sh
npm start -- --print-config
\`\`\`

This page is made from the schema in \`shared/kit/src/settings/settings.ts\` by \`npm run docs\`.

- A duration has its unit: \`500ms\`, \`120s\`, \`15m\`, \`1d\`. A size is in bytes or has its unit: \`64KiB\`.
- A setting that is given is never empty. Placeholders such as \`REPLACE_WITH_…\`, \`CHANGE_ME\` or
  \`your-key\` are refused, and so are secrets that a document or a tutorial prints.
- A secret of chatbox itself is random bytes, as \`openssl rand -base64 32\` or \`openssl rand -hex 32\`
  write them. In production none may be the same as another one, as a password in \`REDIS_URL\` or
  \`MONGO_URI\`, or as a provider's key.
- In production (\`NODE_ENV=production\`) nothing is made up: secrets, origins and at least one model
  provider have to be given, and addresses outside this machine have to be \`https\`.
- A standalone process in development needs none of them. It keeps the keys that it makes in
  \`development-keys.json\` in its data folder, answers with the \`demo\` model and lets visitors in.
`

const PROVIDERS = `## Model providers

\`LLM_PROVIDER_<n>_<FIELD>\`, with n from 1 to 99; users choose among all of them, and the one with
the smallest number is the default. A gateway reads only the ids and names.

\`\`\`sh
LLM_PROVIDER_1_ENDPOINT=https://api.openai.com/v1
LLM_PROVIDER_1_API_KEY=…
LLM_PROVIDER_1_MODEL=…
\`\`\`
`

/** Every setting, from the table that the processes read them by. */
export async function toConfigurationPage(): Promise<Documents> {
  const { settings, provider } = describeSettings()
  const page = [INTRODUCTION, '## All settings\n', toTable(settings), PROVIDERS, toTable(provider)]
  return { 'docs/configuration.md': await layOut(page.join('\n'), 'markdown') }
}

function toTable(settings: readonly SettingDescription[]): string {
  const rows = settings.map(({ name, type, defaultNote, about, secret, usedBy }) => {
    const note = usedBy.length === PROCESS_KINDS.length ? '' : ` Read by: ${usedBy.join(', ')}.`
    return `| \`${name}\` | ${type}${secret ? '; secret' : ''} | ${defaultNote} | ${about}${note} |`
  })
  return ['| Name | Value | Default | What it does |', '|---|---|---|---|', ...rows, ''].join('\n')
}
