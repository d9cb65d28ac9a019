import type { MongoConnection } from './connection.ts'

/** An object whose every method answers with a promise. */
type AsyncMethods<P> = { [K in keyof P]: (...args: never[]) => Promise<unknown> }

/** `port` with each of its methods run by `mongo.call`: in time, or `UNAVAILABLE`. */
export function withCall<P extends object & AsyncMethods<P>>(
  mongo: Pick<MongoConnection, 'call'>,
  port: P,
): P {
  return new Proxy(port, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      return (...args: unknown[]) =>
        mongo.call(async (): Promise<unknown> => Reflect.apply(method, target, args))
    },
  })
}
