import { ALERT_SETTINGS } from '../alerts/alert-settings.ts'
import { BUDGET_SETTINGS } from '../budgets/budget-settings.ts'
import { ADDRESS_SETTINGS } from './address-settings.ts'
import { OPERATOR_SETTINGS } from './operator-settings.ts'
import type { ProviderSettings } from './provider-settings.ts'
import {
  backendUrl,
  duration,
  encryptionKeys,
  environment,
  flag,
  integer,
  networks,
  oneOf,
  origin,
  origins,
  pathPrefix,
  plainText,
  secretText,
  size,
  url,
} from './setting-types.ts'
import {
  setting,
  type Circumstances,
  type GroupValues,
  type ProcessKind,
  type SettingGroup,
} from './setting.ts'

const GATEWAY = ['standalone', 'gateway'] as const
const WORKER = ['standalone', 'worker'] as const
const SERVER = ['standalone', 'gateway', 'worker'] as const
const CLUSTER = ['gateway', 'worker'] as const
const STORE = ['gateway', 'worker', 'migrate'] as const

/**
 * Every setting except the model providers', in the order of docs/configuration.md. Everything else
 * follows from here: the type, `--print-config`, what is redacted, the documents and the options of the parts.
 */
export const SETTINGS = {
  process: {
    production: setting('NODE_ENV', environment(), {
      default: 'development',
      about:
        '`production` requires every secret, every origin and a model provider. Elsewhere the process fills them in for a trial.',
    }),
    mode: setting('MODE', oneOf(['standalone', 'cluster']), {
      otherwise: ({ kind }) => modeOf(kind),
      defaultNote: 'that of the process',
      about:
        '`standalone` is one process with its data in a folder. `cluster` is gateways and workers around Redis and MongoDB. A process of the other kind refuses to start.',
    }),
    logLevel: setting('LOG_LEVEL', oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace']), {
      default: 'info',
      about: 'The lowest level of log lines that are written.',
    }),
    drainTimeoutMs: setting('DRAIN_TIMEOUT', duration('1s', '10m'), {
      default: '30s',
      about: 'The longest time that a process takes to end after SIGTERM or SIGINT.',
      usedBy: SERVER,
    }),
  },
  server: {
    host: setting('HOST', plainText('host name or IP address'), {
      otherwise: (known) => (isTrial(known) ? '127.0.0.1' : '0.0.0.0'),
      defaultNote: '`127.0.0.1`; `0.0.0.0` in production and in a cluster',
      about: 'The address that `PORT` listens on.',
      usedBy: GATEWAY,
    }),
    port: setting('PORT', integer(1, 65_535), {
      default: '8080',
      about: 'The public port: chat page, HTTP API and websockets.',
      usedBy: GATEWAY,
    }),
    managementPort: setting('MANAGEMENT_PORT', integer(1, 65_535), {
      default: '9090',
      about: 'The port for `/metrics`, `/healthz` and `/readyz`. Never expose it to the public.',
      usedBy: SERVER,
    }),
    managementHost: setting('MANAGEMENT_HOST', plainText('host name or IP address'), {
      otherwise: ({ kind, env }) =>
        kind === 'standalone' ? '127.0.0.1' : (env.HOST?.trim() ?? '0.0.0.0'),
      defaultNote:
        '`127.0.0.1`; in a cluster `HOST`, because probes and Prometheus come from outside',
      about: 'The address that `MANAGEMENT_PORT` listens on.',
      usedBy: SERVER,
    }),
    pathPrefix: setting('PATH_PREFIX', pathPrefix(), {
      default: '/chatbox',
      about:
        'The path that every public address begins with; `/` if chatbox has a host of its own.',
      usedBy: SERVER,
    }),
    publicUrl: setting('PUBLIC_URL', origin(), {
      defaultNote: '`http://localhost:PORT` outside production',
      about:
        'The scheme, host and port that browsers see, if a proxy is in front. In production it must be `https`.',
      usedBy: SERVER,
    }),
    allowedOrigins: setting('ALLOWED_ORIGINS', origins(), {
      otherwise: () => [],
      defaultNote: "the chat page's own address; required in production",
      about:
        'The web pages that may connect: exact origins, separated by commas. `PUBLIC_URL` is always allowed.',
      usedBy: GATEWAY,
    }),
    trustedProxies: setting('TRUSTED_PROXIES', networks(), {
      otherwise: () => [],
      defaultNote: 'none; required in production if `PUBLIC_URL` is `https`',
      about:
        'The proxies whose `X-Forwarded-For` is trusted: addresses or CIDR blocks, separated by commas. Without them, all users behind a proxy share one address and its limits. `none` says that what ends TLS passes the addresses of users on.',
      usedBy: GATEWAY,
    }),
    hsts: setting('HSTS', oneOf(['off', 'host', 'subdomains']), {
      default: 'off',
      about:
        'Sends `Strict-Transport-Security`: for a year, browsers reach the host of `PUBLIC_URL` (`host`), or also its subdomains (`subdomains`), over https only. This cannot be undone over http. Needs an `https` `PUBLIC_URL`.',
      usedBy: GATEWAY,
    }),
  },
  auth: {
    jwtSecret: setting(
      'JWT_SECRET',
      secretText('random bytes in base64 or hexadecimal, at least 32; 16 outside production'),
      {
        defaultNote:
          'outside production, a standalone process makes one and keeps it in `DATA_DIR`',
        about:
          'The key of HS256 tokens, used as the literal text. Set either this or `JWKS_URL`. Make one with `openssl rand -base64 32`.',
        usedBy: GATEWAY,
      },
    ),
    jwksUrl: setting('JWKS_URL', url(['https://', 'http://']), {
      defaultNote: 'none',
      about:
        'The address of the public keys for RS256 and ES256 tokens. In production `http` is allowed only for this machine.',
      usedBy: GATEWAY,
    }),
    issuer: setting('JWT_ISSUER', plainText(), {
      defaultNote: 'not checked',
      about: 'The required `iss` claim of every token.',
      usedBy: GATEWAY,
    }),
    audience: setting('JWT_AUDIENCE', plainText(), {
      defaultNote: 'not checked',
      about: 'The required `aud` claim of every token.',
      usedBy: GATEWAY,
    }),
    allowVisitors: setting('ALLOW_VISITORS', flag(), {
      otherwise: (known) => isTrial(known) && known.env.JWKS_URL === undefined,
      defaultNote: '`false`; `true` for a standalone process outside production',
      about:
        'Gives everyone who opens the chat page a short-lived token. If it is off, your site issues the tokens. Needs `JWT_SECRET`.',
      usedBy: GATEWAY,
    }),
  },
  stores: {
    encryptionKeys: setting('ENCRYPTION_KEYS', encryptionKeys(), {
      otherwise: () => [],
      defaultNote: 'outside production, a standalone process makes one and keeps it in `DATA_DIR`',
      about:
        'The keys for texts at rest, separated by commas: the first one encrypts, all of them decrypt. Make a key with `openssl rand -base64 32`. If the keys are lost, the texts are lost.',
      usedBy: SERVER,
    }),
    dataDir: setting('DATA_DIR', plainText('folder'), {
      default: '.chatbox',
      about:
        'The folder of all data of a standalone process. It is created if it is missing. Production refuses one that other users may write to.',
      usedBy: ['standalone'],
    }),
    redisUrl: setting(
      'REDIS_URL',
      backendUrl([
        'redis://',
        'rediss://',
        'redis+sentinel://',
        'rediss+sentinel://',
        'redis+cluster://',
        'rediss+cluster://',
      ]),
      {
        defaultNote: 'required in a cluster',
        about:
          'Redis 6.2 or later: `redis://user:password@host:6379/0`, `redis+sentinel://user:password@host:26379,host2:26379/group` or `redis+cluster://user:password@host:6379,host2:6379`. For TLS write `rediss` instead of `redis`.',
        usedBy: CLUSTER,
      },
    ),
    mongoUri: setting('MONGO_URI', backendUrl(['mongodb://', 'mongodb+srv://']), {
      defaultNote: 'required in a cluster',
      about: 'MongoDB 4.4 or later, or a compatible database.',
      usedBy: STORE,
    }),
    allowPlaintextBackends: setting('ALLOW_PLAINTEXT_BACKENDS', flag(), {
      default: 'false',
      about:
        'Lets a process in production reach Redis and MongoDB on other machines without TLS: only for a network in which nobody else can listen or answer.',
      usedBy: STORE,
    }),
    mongoDatabase: setting('MONGO_DATABASE', plainText('name'), {
      default: 'chatbox',
      about: 'The database in MongoDB.',
      usedBy: STORE,
    }),
  },
  models: {
    firstTokenMs: setting('LLM_FIRST_TOKEN_TIMEOUT', duration('1s', '10m'), {
      default: '15s',
      about:
        'The longest time that a model may stay silent before its answer begins. Raise it for a server that loads the model on the first request.',
      usedBy: WORKER,
    }),
    totalMs: setting('LLM_STREAM_TIMEOUT', duration('1s', '1h'), {
      default: '120s',
      about: 'The longest time that a model may take for one reply.',
      usedBy: WORKER,
    }),
    concurrency: setting('LLM_CONCURRENCY', integer(1, 1000), {
      // A process keeps up with this many streams of 60 tokens a second, and a reply with a long
      // history takes about 0.2 MB.
      default: '300',
      about:
        'The number of replies that one process writes at once. What a provider allows is learned from its refusals, so it need not be set for that.',
      usedBy: WORKER,
    }),
  },
  sessions: {
    reconnectTimeoutMs: setting('RECONNECT_TIMEOUT', duration('1s', '1d'), {
      default: '15m',
      about:
        'The time after the last activity in which a returning user finds the same session. At most `SESSION_IDLE_TIMEOUT`.',
      usedBy: SERVER,
    }),
    idleTimeoutMs: setting('SESSION_IDLE_TIMEOUT', duration('1s', '24d'), {
      default: '30m',
      about:
        'The time without activity after which a session ends. Typing is activity. At least `RECONNECT_TIMEOUT`.',
      usedBy: SERVER,
    }),
  },
  limits: {
    rateLimit: setting('RATE_LIMIT', integer(1, 100_000), {
      default: '100',
      about:
        'The number of messages that one signed-in user may send per minute, over all gateways.',
      usedBy: GATEWAY,
    }),
    visitorRateLimit: setting('VISITOR_RATE_LIMIT', integer(1, 100_000), {
      default: '20',
      about:
        'The number of messages that one visitor may send per minute, over all gateways. Nobody vouches for a visitor, so it is lower than `RATE_LIMIT`.',
      usedBy: GATEWAY,
    }),
    newVisitorsPerAddress: setting('NEW_VISITORS_PER_ADDRESS', integer(1, 100_000), {
      default: '20',
      about:
        'The number of new visitors that one address may become per minute, over all gateways. A browser that comes back is not a new visitor.',
      usedBy: GATEWAY,
    }),
    maxConnections: setting('MAX_CONNECTIONS', integer(1, 1_000_000), {
      default: '10000',
      about: 'The number of sockets that one process accepts.',
      usedBy: GATEWAY,
    }),
    maxConnectionsPerUser: setting('MAX_CONNECTIONS_PER_USER', integer(1, 10_000), {
      default: '10',
      about: 'The number of sockets that one user may have, over all gateways.',
      usedBy: GATEWAY,
    }),
    ...ADDRESS_SETTINGS,
    maxMessageBytes: setting('MAX_MESSAGE_SIZE', size(1024, 16 * 1024 ** 2), {
      default: '65536',
      about: 'The longest websocket message, in bytes. A longer one closes the socket.',
      usedBy: GATEWAY,
    }),
  },
  budgets: BUDGET_SETTINGS,
  alerts: ALERT_SETTINGS,
  operators: OPERATOR_SETTINGS,
} satisfies Record<string, SettingGroup>

/** Every setting except the model providers'. */
export type SettingValues = { [G in keyof typeof SETTINGS]: GroupValues<(typeof SETTINGS)[G]> }

/** Everything a process is told from outside, checked and by group. */
export interface Settings extends SettingValues {
  providers: ProviderSettings[]
}

/** The mode of a process of this kind. */
export function modeOf(kind: ProcessKind): 'standalone' | 'cluster' {
  return kind === 'standalone' ? 'standalone' : 'cluster'
}

function isTrial({ kind, production }: Circumstances): boolean {
  return kind === 'standalone' && !production
}

type Stores = Settings['stores']
type BackendChoice =
  | (Stores & { kind: 'embedded' })
  | (Stores & { kind: 'cluster'; redisUrl: string; mongoUri: string })

/** Which back end a process opens. Settings of a cluster always hold both addresses. */
export function toBackendOptions({ process: { mode }, stores }: Settings): BackendChoice {
  const { redisUrl, mongoUri } = stores
  if (mode === 'standalone') return { ...stores, kind: 'embedded' }
  if (redisUrl === undefined || mongoUri === undefined) {
    throw new Error('settings of a cluster without its back ends were accepted')
  }
  return { ...stores, redisUrl, mongoUri, kind: 'cluster' }
}
