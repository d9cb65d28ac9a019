/**
 * Which pages may talk to this gateway: an exact comparison of scheme, host and port. A request
 * without any `Origin` header does not come from a page of a browser, and is let through: native
 * apps and servers send none, and the token decides. `null`, which sandboxed and local pages send,
 * is no origin and refused.
 */
export interface Origins {
  isAllowed(origin: string | undefined): boolean
}

export function createOrigins(
  allowedOrigins: readonly string[],
  publicUrl: string | undefined,
): Origins {
  const own = publicUrl === undefined ? [] : [new URL(publicUrl).origin]
  const allowed = new Set([...allowedOrigins, ...own])
  allowed.delete('null')
  return { isAllowed: (origin) => origin === undefined || allowed.has(origin) }
}
