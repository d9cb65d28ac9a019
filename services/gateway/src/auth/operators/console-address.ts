import type { GatewayOptions } from '../../context.ts'

/** Returns the address of the console, which is also where a provider sends browsers back. */
export function toConsoleAddress({
  publicUrl,
  port,
  pathPrefix,
}: Pick<GatewayOptions['server'], 'publicUrl' | 'port' | 'pathPrefix'>): string {
  return `${publicUrl ?? `http://localhost:${port}`}${pathPrefix}/console/`
}

/** The secret is in the fragment, which browsers send to no server, so it is in no access log. */
export function toSignInLink(server: GatewayOptions['server'], secret: string): string {
  return `${toConsoleAddress(server)}#sign-in=${secret}`
}
