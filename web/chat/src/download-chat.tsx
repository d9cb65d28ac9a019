import type { ChatClient } from '@chatbox/client'
import type { Session } from '@chatbox/contract'
import { Icon } from '@chatbox/ui'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { strings } from './strings.ts'

interface DownloadChatProps {
  client: ChatClient
  session: Session
  /** Called where there is no file, so that the error can be seen. */
  onFailed: () => void
}

/** Saves the shown chat as a page. A failure is told where other errors are. */
export function DownloadChat({ client, session, onFailed }: DownloadChatProps): JSX.Element {
  const [isBusy, setBusy] = useState(false)
  const download = async (): Promise<void> => {
    if (isBusy) return
    setBusy(true)
    const file = await client.readTranscript()
    if (file) save(file, `chat-${session.startedAt.slice(0, 10)}.html`)
    else onFailed()
    setBusy(false)
  }
  return (
    <button
      type="button"
      class="chat-action"
      // A disabled button would lose the focus.
      aria-disabled={isBusy}
      onClick={() => void download()}
    >
      <Icon name="down" />
      {isBusy ? strings.downloading : strings.downloadChat}
    </button>
  )
}

/** How long a browser may take to begin reading the file. */
const READ_MS = 60_000

function save(file: Blob, name: string): void {
  const href = URL.createObjectURL(file)
  Object.assign(document.createElement('a'), { href, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(href), READ_MS)
}
