import { HTTP_ROUTES } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { Request, Response } from 'express'
import { noteRefusal } from '../../auth/verify-token.ts'
import type { Context } from '../../context.ts'
import { toAddressKey } from '../../edge/client-address.ts'
import {
  endSignIn,
  finishWithLink,
  finishWithProvider,
  listWays,
  renewToken,
  startSignIn,
  type SignInCookies,
} from '../../auth/operators/sign-in.ts'
import type { RouteHandlers } from '../api.ts'
import { createRouteCookie } from '../cookies.ts'

type OperatorRoute = 'listSignInWays' | 'startSignIn' | 'issueOperatorToken' | 'endSignIn'

/** Both cookies are those of one route, which alone gives out tokens. */
export function createOperatorHandlers(context: Context): Pick<RouteHandlers, OperatorRoute> {
  const readCookies = createCookieReader(context)
  return {
    listSignInWays: async () => ({ ways: listWays(context) }),
    startSignIn: ({ body, request, response }) =>
      startSignIn(context, body, {
        from: toAddressKey(request.ip),
        cookies: readCookies(request, response),
      }),
    async issueOperatorToken({ body, request, response }) {
      const cookies = readCookies(request, response)
      const { link, code, state, iss } = body
      try {
        if (link !== undefined) return await finishWithLink(context, link, cookies)
        if (code !== undefined && state !== undefined) {
          return await finishWithProvider(context, { code, state, iss }, cookies)
        }
        return await renewToken(context, cookies)
      } catch (error) {
        // A guess costs what a bad token costs. A page that is not signed in asks once.
        const isGuess =
          link !== undefined || code !== undefined || cookies.grantSecret !== undefined
        if (isGuess && error instanceof AppError && error.code === 'UNAUTHORIZED') {
          noteRefusal(context, error)
          await context.guard.take('refused', toAddressKey(request.ip))
        }
        throw error
      }
    },
    async endSignIn({ request, response }) {
      await endSignIn(context, readCookies(request, response))
      return undefined
    },
  }
}

function createCookieReader({
  options,
}: Context): (request: Request, response: Response) => SignInCookies {
  const route = HTTP_ROUTES.issueOperatorToken.path
  const browser = createRouteCookie(options.server, { name: 'chatbox_sign_in', route })
  const grant = createRouteCookie(options.server, { name: 'chatbox_operator', route })
  return (request, response) => ({
    browserSecret: browser.read(request),
    grantSecret: grant.read(request),
    keepBrowser: (secret, forMs) => browser.write(response, secret, forMs),
    keepGrant: (secret, forMs) => grant.write(response, secret, forMs),
  })
}
