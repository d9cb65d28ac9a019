import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { copyText } from '../controls.tsx'
import { strings } from '../strings.ts'
import { GrowingText } from './growing-text.ts'

/** A model's text. `live`: more text will follow. */
export function Markdown({ text, live }: { text: string; live: boolean }): JSX.Element {
  const container = useRef<HTMLDivElement>(null)
  const shown = useRef<GrowingText | null>(null)
  useLayoutEffect(() => {
    if (!container.current) return
    shown.current ??= new GrowingText(container.current)
    if (live) shown.current.grow(text)
    else shown.current.finish(text)
  }, [text, live])
  useEffect(() => () => shown.current?.close(), [])
  return <div ref={container} class="markdown" onClick={onClick} />
}

function onClick({ target }: MouseEvent): void {
  if (!(target instanceof HTMLButtonElement) || !target.classList.contains('code-copy')) return
  const code = target.closest('.code-box')?.querySelector('code')?.textContent ?? ''
  void copyText(code, (isCopied) => {
    target.textContent = isCopied ? strings.copied : strings.copyCode
  })
}
