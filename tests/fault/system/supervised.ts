import { setTimeout as sleep } from 'node:timers/promises'
import {
  isReady,
  launchService,
  type ProcessOptions,
  type Service,
  type ServiceProcess,
} from '../../environment/servers/processes.ts'
import type { Recorder } from '../history.ts'
import { scrapeMetrics } from './product-output.ts'
import type { Random } from '../random.ts'
import { parseRefusedPayload } from './product-output.ts'

export interface SupervisedOptions {
  name: string
  service: Service
  launch: ProcessOptions
  recorder: Recorder
  random: Random
}

const READY_POLL_MS = 100
const READY_TIMEOUT_MS = 60_000
/** The pause before a restart, as in a cluster. */
const RESTART_MS = { low: 300, high: 1500 }
const STOP_GRACE_MS = 25_000
/** Before it listens for signals, a signal ends the process as it ends any program. */
const BOOT_MS = 3000

type Exit = Awaited<ServiceProcess['exited']>

/** A process of the product that is restarted whenever it ends, until `stop`. */
export class Supervised {
  readonly name: string
  readonly service: Service
  readonly #options: SupervisedOptions
  #current: ServiceProcess | undefined
  #running: Promise<void> | undefined
  /** An object, so that changes by other methods are seen. */
  readonly #fate: { isStopping: boolean; ending: 'SIGKILL' | 'SIGTERM' | undefined } = {
    isStopping: false,
    ending: undefined,
  }
  #env: Record<string, string> = {}
  /** The last known counters of the ended processes. */
  readonly #counted: Record<string, number>[] = []
  #latest: Record<string, number> = {}
  starts = 0
  /** While this is set it cannot run, so an end by itself is not its fault. */
  mayFail = false
  /** Whether it was killed because it did not stop in time. */
  wasKilled = false
  /** Its output before an unexpected end. */
  lastWords = ''

  constructor(options: SupervisedOptions) {
    this.name = options.name
    this.service = options.service
    this.#options = options
  }

  /** Starts it for the first time and waits until it is ready. */
  async start(): Promise<void> {
    this.#running = this.#run()
    const deadline = performance.now() + READY_TIMEOUT_MS
    while (!(await this.isReady())) {
      if (this.#isStopping() || performance.now() > deadline) {
        throw new Error(`${this.name} is not ready\n${this.lastWords}\n${this.#current?.output()}`)
      }
      await sleep(READY_POLL_MS)
    }
  }

  /** Resolves when the current process has ended. */
  async ended(): Promise<void> {
    await this.#current?.exited
  }

  /** Sends a signal. `ending` says that the signal should end the process. */
  signal(signal: NodeJS.Signals, ending?: 'SIGKILL' | 'SIGTERM'): void {
    if (ending) this.#fate.ending = ending
    this.#current?.signal(signal)
  }

  /** Additional settings for the next starts. */
  setEnv(env: Record<string, string>): void {
    this.#env = env
  }

  async isReady(): Promise<boolean> {
    return this.#current !== undefined && isReady(this.#current)
  }

  /** Asks for its counters, so that not all of them are lost when it is killed. */
  async count(): Promise<void> {
    const port = this.#current?.managementPort
    const counters = port === undefined ? undefined : await scrapeMetrics(port)
    if (counters) this.#latest = counters
  }

  /** Returns the known counters of all its lives. */
  counted(): Record<string, number>[] {
    return [...this.#counted, this.#latest]
  }

  /** Stops it permanently. */
  async stop(): Promise<void> {
    this.#fate.isStopping = true
    this.#fate.ending = 'SIGTERM'
    const exit = await this.#current?.stop(STOP_GRACE_MS)
    this.wasKilled = exit?.signal === 'SIGKILL'
    await this.#running
  }

  /** A process that is asked to stop must exit with 0, unless it was killed or asked too early. */
  #isExpected({ code, signal }: Exit, ageMs: number): boolean {
    const { ending } = this.#fate
    if (ending !== 'SIGTERM') return ending === 'SIGKILL'
    return code === 0 || (signal === 'SIGTERM' && ageMs < BOOT_MS)
  }

  async #run(): Promise<void> {
    const { random } = this.#options
    for (;;) {
      await this.#live()
      if (this.#isStopping()) return
      await sleep(random.between(RESTART_MS.low, RESTART_MS.high))
      if (this.#isStopping()) return
    }
  }

  #isStopping(): boolean {
    return this.#fate.isStopping
  }

  #noteRefusal(line: string): void {
    const refused = parseRefusedPayload(line)
    if (!refused) return
    this.#options.recorder.record({ op: 'payload-refused', process: this.name, ...refused })
  }

  async #live(): Promise<void> {
    const { recorder, launch, service } = this.#options
    this.#fate.ending = undefined
    const env = { ...launch.env, ...this.#env }
    const onLine = (line: string): void => this.#noteRefusal(line)
    const started = await launchService(service, { ...launch, env, name: this.name, onLine })
    this.#current = started
    this.starts += 1
    const base = { op: 'life', process: this.name, pid: started.pid } as const
    recorder.record({ ...base, phase: 'started' })
    const startedAt = performance.now()
    if (this.#isStopping()) this.signal('SIGTERM', 'SIGTERM')
    const exit = await started.exited
    const expected = this.#isExpected(exit, performance.now() - startedAt)
    const refused = this.mayFail && exit.code !== null
    recorder.record({ ...base, phase: 'ended', expected, refused, ...exit })
    this.#current = undefined
    this.#counted.push(this.#latest)
    this.#latest = {}
    if (!expected && !refused) this.lastWords = started.output().split('\n').slice(-30).join('\n')
  }
}
