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
/** A pod that ended is started again after a moment, as a cluster would. */
const RESTART_MS = { low: 300, high: 1500 }
const STOP_GRACE_MS = 25_000
/** Before it listens for signals, a process ends by them as any program does. */
const BOOT_MS = 3000

type Exit = Awaited<ServiceProcess['exited']>

/** One process of the product that is started again whenever it ends, until `stop`. */
export class Supervised {
  readonly name: string
  readonly service: Service
  readonly #options: SupervisedOptions
  #current: ServiceProcess | undefined
  #running: Promise<void> | undefined
  /** An object, so that what another method changes meanwhile is looked at again. */
  readonly #fate: { isStopping: boolean; ending: 'SIGKILL' | 'SIGTERM' | undefined } = {
    isStopping: false,
    ending: undefined,
  }
  #env: Record<string, string> = {}
  /** What the ended ones had counted when they were last asked. */
  readonly #counted: Record<string, number>[] = []
  #latest: Record<string, number> = {}
  starts = 0
  /** While set it cannot run, whatever it does: an end by itself is no fault of its own. */
  mayFail = false
  /** It did not end by itself in time when it was told to. */
  wasKilled = false
  /** What it printed before an end that nobody asked for. */
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

  /** Settles when the process that runs now has ended. */
  async ended(): Promise<void> {
    await this.#current?.exited
  }

  /** Sends a signal; `ending` says that the process is meant to end from it. */
  signal(signal: NodeJS.Signals, ending?: 'SIGKILL' | 'SIGTERM'): void {
    if (ending) this.#fate.ending = ending
    this.#current?.signal(signal)
  }

  /** Settings for the next starts, besides those of the beginning. */
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

  /** Counters of all its lives, as far as they were asked for. */
  counted(): Record<string, number>[] {
    return [...this.#counted, this.#latest]
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.#fate.isStopping = true
    this.#fate.ending = 'SIGTERM'
    const exit = await this.#current?.stop(STOP_GRACE_MS)
    this.wasKilled = exit?.signal === 'SIGKILL'
    await this.#running
  }

  /** Whoever is asked to stop has to end well; whoever is killed, or asked too early, cannot. */
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
