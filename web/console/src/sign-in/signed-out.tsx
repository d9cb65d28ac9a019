import { toRequestError } from '@chatbox/client'
import { Logo } from '@chatbox/ui'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { strings } from '../strings.ts'
import { askForLink, askForProvider, readWays } from './operator-token.ts'

interface SignedOutProps {
  baseUrl: string
  /** The code of the refusal, if the server has said one. */
  code: string | undefined
  onRetry: () => void
}

/** Shown to whoever has not signed in, with the ways that this site has set up. */
export function SignedOut({ baseUrl, code, onRetry }: SignedOutProps): JSX.Element {
  const [ways, setWays] = useState<readonly string[] | null>(null)
  useEffect(() => {
    readWays(baseUrl).then(setWays, () => setWays([]))
  }, [baseUrl])
  return (
    <main class="refused">
      <Logo />
      <h1>{strings.signInTitle}</h1>
      <p role="status">{toReason(code)}</p>
      {ways?.includes('link') && <LinkForm baseUrl={baseUrl} />}
      {ways?.includes('oidc') && <ProviderButton baseUrl={baseUrl} />}
      {ways?.length === 0 && <p>{strings.noWays}</p>}
      <button type="button" class="button button-quiet" onClick={onRetry}>
        {strings.retry}
      </button>
    </main>
  )
}

function toReason(code: string | undefined): string {
  if (code === 'TOKEN_EXPIRED') return strings.signInUsed
  return code === 'FORBIDDEN' ? strings.refusedText : strings.signInText
}

function toMessage(error: unknown): string {
  return toRequestError(error).message
}

function LinkForm({ baseUrl }: { baseUrl: string }): JSX.Element {
  const [said, setSaid] = useState('')
  const onSubmit = async (form: HTMLFormElement): Promise<void> => {
    const address = new FormData(form).get('address')
    if (typeof address !== 'string') return
    setSaid(await askForLink(baseUrl, address).then(() => strings.linkSent, toMessage))
  }
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault()
        void onSubmit(event.currentTarget)
      }}
    >
      <label>
        <span>{strings.address}</span>
        <input type="email" name="address" required autocomplete="email" maxLength={254} />
      </label>
      <button type="submit" class="button">
        {strings.sendLink}
      </button>
      <p role="status">{said}</p>
    </form>
  )
}

function ProviderButton({ baseUrl }: { baseUrl: string }): JSX.Element {
  const [said, setSaid] = useState('')
  const go = async (): Promise<void> => {
    try {
      location.assign(await askForProvider(baseUrl))
    } catch (error) {
      setSaid(toMessage(error))
    }
  }
  return (
    <>
      <button type="button" class="button" onClick={() => void go()}>
        {strings.useProvider}
      </button>
      <p role="status">{said}</p>
    </>
  )
}
