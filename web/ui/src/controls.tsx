import type { ButtonHTMLAttributes, ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { strings } from './strings.ts'

const PATHS = {
  menu: 'M4 7h16M4 12h16M4 17h10',
  plus: 'M12 5v14M5 12h14',
  send: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M15 5l-7 7 7 7',
  end: 'm9.5 9.5 5 5M14.5 9.5l-5 5M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  seen: 'm2.5 12.5 4 4 8-9M11 15.5l1 1 8.5-9',
  retry: 'M4 12a8 8 0 1 1 2.3 5.6M4 20v-4.5h4.5',
  clock: 'M12 7v5l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  alert: 'M12 8v5M12 16.5v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20a7.5 7.5 0 0 1 15 0',
  assistant: 'M12 4V2.5M5 8h14v11H5zM9.5 12.5v1.5M14.5 12.5v1.5',
  copy: 'M9 9h10v10H9zM5 15V5h10',
} as const
const COPIED_MS = 1500
type IconName = keyof typeof PATHS | 'stop'

/** A decoration. Its meaning is also given in words. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      {name === 'stop' ? (
        <rect class="icon-solid" x="7" y="7" width="10" height="10" rx="2" />
      ) : (
        <path d={PATHS[name]} />
      )}
    </svg>
  )
}

export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <path
        class="logo-shape"
        d="M16 2.5c8 0 13.5 5.2 13.5 12.3S24 27.1 16 27.1c-1.3 0-2.6-.1-3.8-.4-1.5 1.3-3.7 2.5-6.7 2.7-.7 0-1-.7-.6-1.2.9-1.2 1.4-2.6 1.5-4C4 22 2.5 18.7 2.5 14.8 2.5 7.7 8 2.5 16 2.5Z"
      />
      <path class="logo-lines" d="M10.5 12.7h11M10.5 17.7h6.5" />
    </svg>
  )
}

interface IconButtonProps extends ButtonHTMLAttributes {
  icon: IconName
  label: string
}

/** A button with an icon. Screen readers read its label. */
export function IconButton({ icon, label, ...rest }: IconButtonProps): JSX.Element {
  return (
    <button type="button" aria-label={label} {...rest}>
      <Icon name={icon} />
    </button>
  )
}

interface LinkButtonProps {
  icon?: IconName
  onClick: () => void
  children: ComponentChildren
}

/** A button within a line of text. */
export function LinkButton({ icon, onClick, children }: LinkButtonProps): JSX.Element {
  return (
    <button type="button" class="link" onClick={onClick}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  )
}

export function CopyButton({ text }: { text: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false)
  return (
    <LinkButton icon="copy" onClick={() => void copyText(text, setCopied)}>
      {isCopied ? strings.copied : strings.copy}
    </LinkButton>
  )
}

/** Copies a text and reports it for a moment. */
export async function copyText(text: string, tell: (isCopied: boolean) => void): Promise<void> {
  if (!(await writeClipboard(text)) && !copyByCommand(text)) return
  tell(true)
  setTimeout(() => tell(false), COPIED_MS)
}

/** Returns false without permission. On plain http there is no `navigator.clipboard`. */
async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

/** Copies by the selection of a hidden box, which works without https. Keeps focus and selection. */
function copyByCommand(text: string): boolean {
  const focused = document.activeElement
  const selection = document.getSelection()
  const ranges = selection
    ? Array.from({ length: selection.rangeCount }, (_, at) => selection.getRangeAt(at))
    : []
  const box = document.createElement('textarea')
  box.className = 'hidden'
  box.readOnly = true
  box.value = text
  document.body.append(box)
  box.select()
  // Deprecated, but nothing else works on plain http.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const isCopied = document.execCommand('copy')
  box.remove()
  // A selection takes no range beside another one.
  if (ranges.length > 0) selection?.removeAllRanges()
  for (const range of ranges) selection?.addRange(range)
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true })
  return isCopied
}
