import {
  backendUrl,
  duration,
  encryptionKeys,
  flag,
  integer,
  networks,
  oneOf,
  origin,
  origins,
  pathPrefix,
  plainText,
  size,
  url,
  type SettingType,
} from './setting-types.ts'
import type { ProcessKind } from './settings.ts'

export interface SettingRule<T = unknown> {
  type: SettingType<T>
  /** As it would be written; a setting without one may be left out, or is asked for. */
  default?: string
  /** Said in the documentation where the default is not one text. */
  defaultNote?: string
  /** One sentence or two for an operator. */
  about: string
  /** Never printed or logged. `url`: only the password in it is secret; `keys`: a list of `id:key`. */
  secret?: true | 'url' | 'keys'
  /** Prose, in which a word such as `placeholder` means nothing. */
  freeText?: true
  /** The processes that read it; all of them when left out. */
  usedBy?: readonly ProcessKind[]
}

const GATEWAY = ['standalone', 'gateway'] as const
const WORKER = ['standalone', 'worker'] as const
const SERVER = ['standalone', 'gateway', 'worker'] as const
const CLUSTER = ['gateway', 'worker'] as const
const STORE = ['gateway', 'worker', 'migrate'] as const

/** Every setting besides the model providers', in the order of docs/configuration.md. */
export const SETTING_RULES = {
  NODE_ENV: {
    type: oneOf(['development', 'production', 'test']),
    default: 'development',
    about:
      'In `production` nothing is made up: every secret, origin and model provider has to be given.',
  },
  MODE: {
    type: oneOf(['standalone', 'cluster']),
    defaultNote: 'what the process is',
    about:
      'One process with its data in a folder, or gateways and workers around Redis and MongoDB. A process of the other kind refuses to start.',
  },
  HOST: {
    type: plainText('host name or IP address'),
    defaultNote: '`127.0.0.1`; `0.0.0.0` in production and in a cluster',
    about: 'Address that `PORT` and `MANAGEMENT_PORT` are opened on.',
    usedBy: SERVER,
  },
  PORT: {
    type: integer(1, 65_535),
    default: '8080',
    about: 'Public port: chat page, HTTP API and websockets.',
    usedBy: GATEWAY,
  },
  MANAGEMENT_PORT: {
    type: integer(1, 65_535),
    default: '9090',
    about: 'Port for `/metrics`, `/healthz` and `/readyz`. Keep it away from the public.',
    usedBy: SERVER,
  },
  PATH_PREFIX: {
    type: pathPrefix(),
    default: '/chatbox',
    about: 'What every public address begins with.',
    usedBy: GATEWAY,
  },
  PUBLIC_URL: {
    type: origin(),
    defaultNote: '`http://localhost:PORT` outside production',
    about:
      'Scheme, host and port that browsers see, when a proxy stands in front. In production it has to be `https`.',
    usedBy: GATEWAY,
  },
  ALLOWED_ORIGINS: {
    type: origins(),
    defaultNote: "the chat page's own address; asked for in production",
    about:
      'Web pages that may connect: exact origins, separated by commas. `PUBLIC_URL` is always one of them.',
    usedBy: GATEWAY,
  },
  TRUSTED_PROXIES: {
    type: networks(),
    defaultNote: 'none',
    about:
      'Proxies whose `X-Forwarded-For` is believed: addresses or CIDR blocks, separated by commas.',
    usedBy: GATEWAY,
  },
  HSTS: {
    type: oneOf(['off', 'host', 'subdomains']),
    default: 'off',
    about:
      'Whether browsers that were here reach the host of `PUBLIC_URL` over https alone for a year, or it and all hosts below it (`Strict-Transport-Security`). They cannot be told otherwise over http. Needs a `PUBLIC_URL` that is `https`.',
    usedBy: GATEWAY,
  },
  JWT_SECRET: {
    type: plainText('random bytes in base64 or hexadecimal, at least 32; 16 outside production'),
    defaultNote: 'made once and kept in `DATA_DIR` by a standalone process outside production',
    about:
      'Key of HS256 tokens: its text as it stands. Either this or `JWKS_URL`. Make one with `openssl rand -base64 32`.',
    secret: true,
    usedBy: GATEWAY,
  },
  JWKS_URL: {
    type: url(['https://', 'http://']),
    defaultNote: 'none',
    about: 'Where the public keys of RS256 and ES256 tokens are. `https`, or this machine.',
    usedBy: GATEWAY,
  },
  JWT_ISSUER: {
    type: plainText(),
    defaultNote: 'not checked',
    about: 'What the `iss` claim of every token has to be.',
    usedBy: GATEWAY,
  },
  JWT_AUDIENCE: {
    type: plainText(),
    defaultNote: 'not checked',
    about: 'What the `aud` claim of every token has to be.',
    usedBy: GATEWAY,
  },
  ALLOW_VISITORS: {
    type: flag(),
    defaultNote: '`false`; `true` for a standalone process outside production',
    about:
      'Gives anyone who opens the chat page a short-lived token. Without it your site gives the tokens. Needs `JWT_SECRET`.',
    usedBy: GATEWAY,
  },
  DATA_DIR: {
    type: plainText('folder'),
    default: '.chatbox',
    about: 'Folder that a standalone process keeps everything in. Made where it is missing.',
    usedBy: ['standalone'],
  },
  REDIS_URL: {
    type: backendUrl([
      'redis://',
      'rediss://',
      'redis+sentinel://',
      'rediss+sentinel://',
      'redis+cluster://',
      'rediss+cluster://',
    ]),
    defaultNote: 'asked for in a cluster',
    about:
      'Redis 6.2 or later: `redis://user:password@host:6379/0`, `redis+sentinel://user:password@host:26379,host2:26379/group` or `redis+cluster://user:password@host:6379,host2:6379`; with `rediss` in place of `redis` over TLS.',
    secret: 'url',
    usedBy: CLUSTER,
  },
  MONGO_URI: {
    type: backendUrl(['mongodb://', 'mongodb+srv://']),
    defaultNote: 'asked for in a cluster',
    about: 'MongoDB 4.4 or later, or a store that speaks its protocol.',
    secret: 'url',
    usedBy: STORE,
  },
  MONGO_DATABASE: {
    type: plainText('name'),
    default: 'chatbox',
    about: 'Database in it.',
    usedBy: STORE,
  },
  ENCRYPTION_KEYS: {
    type: encryptionKeys(),
    defaultNote: 'made once and kept in `DATA_DIR` by a standalone process outside production',
    about:
      'Keys for texts at rest, separated by commas: the first one encrypts, all of them decrypt. Make a key with `openssl rand -base64 32`. Whoever loses them loses the texts.',
    secret: 'keys',
    usedBy: SERVER,
  },
  LLM_FIRST_TOKEN_TIMEOUT: {
    type: duration('1s', '10m'),
    default: '15s',
    about:
      'The longest that a model may stay silent before its answer begins. Longer for a server that loads the model when it is asked.',
    usedBy: WORKER,
  },
  LLM_STREAM_TIMEOUT: {
    type: duration('1s', '1h'),
    default: '120s',
    about: 'The longest that a model may take for one reply.',
    usedBy: WORKER,
  },
  LLM_CONCURRENCY: {
    type: integer(1, 1000),
    default: '20',
    about: 'Replies that one process writes at once.',
    usedBy: WORKER,
  },
  RECONNECT_TIMEOUT: {
    type: duration('1s', '1d'),
    default: '15m',
    about:
      'How long after the last activity a user who comes back finds the same session. Give it to workers too: every process holds it against `SESSION_IDLE_TIMEOUT`.',
    usedBy: GATEWAY,
  },
  SESSION_IDLE_TIMEOUT: {
    type: duration('1s', '24d'),
    default: '30m',
    about:
      'A session without activity for this long is ended. At least `RECONNECT_TIMEOUT`. Give it to gateways too.',
    usedBy: WORKER,
  },
  RATE_LIMIT: {
    type: integer(1, 100_000),
    default: '100',
    about: 'Messages a minute that one user may send, over all gateways.',
    usedBy: GATEWAY,
  },
  MAX_CONNECTIONS: {
    type: integer(1, 1_000_000),
    default: '10000',
    about: 'Sockets that one process accepts.',
    usedBy: GATEWAY,
  },
  MAX_CONNECTIONS_PER_USER: {
    type: integer(1, 10_000),
    default: '10',
    about: 'Sockets that one user may have, over all gateways.',
    usedBy: GATEWAY,
  },
  MAX_MESSAGE_SIZE: {
    type: size(1024, 16 * 1024 ** 2),
    default: '65536',
    about: 'The longest websocket message, in bytes. A longer one closes its socket.',
    usedBy: GATEWAY,
  },
  LOG_LEVEL: {
    type: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace']),
    default: 'info',
    about: 'The least important log lines that are written.',
  },
  DRAIN_TIMEOUT: {
    type: duration('1s', '10m'),
    default: '30s',
    about: 'The longest that a process takes to end after SIGTERM or SIGINT.',
    usedBy: SERVER,
  },
} satisfies Record<string, SettingRule>

/** `LLM_PROVIDER_<n>_<FIELD>`, n from 1 to 99. */
export const PROVIDER_RULES = {
  ID: {
    type: plainText('letters, digits, `-`, `_` and `.`, at most 64'),
    defaultNote: '`model-<n>`',
    about: 'What sessions remember the model by. Keep it, or they fall back to the first model.',
  },
  NAME: {
    type: plainText('text, at most 100 characters'),
    defaultNote: 'its `MODEL`, or its id; `Demo` for the demo',
    about: 'What users choose it by.',
  },
  TYPE: {
    type: oneOf(['openai', 'anthropic', 'dify', 'demo']),
    default: 'openai',
    about:
      'The protocol: `openai` is any compatible endpoint; `demo` is built in and takes no endpoint, key or model.',
  },
  ENDPOINT: {
    type: url(['https://', 'http://']),
    defaultNote: "the provider's own for `anthropic`; asked for by `openai` and `dify`",
    about:
      'Base address, such as `https://api.openai.com/v1`. `https`, or this machine; outside production any `http`.',
  },
  API_KEY: {
    type: plainText(),
    defaultNote: 'asked for, except by `demo`',
    about: 'Key for the provider. Where a server of your own needs none, any word.',
    secret: true,
  },
  MODEL: {
    type: plainText(),
    defaultNote: 'asked for by `openai` and `anthropic`',
    about: "The provider's name of the model.",
  },
  MAX_TOKENS: {
    type: integer(1, 1_000_000),
    default: '1024',
    about: 'The longest reply, in tokens.',
  },
  CONTEXT_TOKENS: {
    type: integer(256, 10_000_000),
    default: '8192',
    about:
      "The model's whole window, in tokens. Of a longer history the newest part is sent; more than `MAX_TOKENS`.",
  },
  SYSTEM_PROMPT: {
    type: plainText(),
    defaultNote: 'none',
    about: 'What the model is told before every conversation.',
    freeText: true,
  },
} satisfies Record<string, SettingRule>

export type SettingName = keyof typeof SETTING_RULES
export type ProviderField = keyof typeof PROVIDER_RULES
