import type { ComponentChildren, JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { strings } from '../strings.ts'
import { Icon } from './icons.tsx'

interface DrawerProps {
  onClose: () => void
  children: ComponentChildren
}

/** A modal dialog at the side: the browser keeps focus inside and gives it back, and Esc closes it. */
export function Drawer({ onClose, children }: DrawerProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      class="drawer"
      aria-label={strings.chats}
      onClose={onClose}
      onClick={(event) => {
        // The dialog's own box is filled by its children: a click on itself is one beside it.
        if (event.target === dialog.current) onClose()
      }}
    >
      <div class="drawer-content">
        <button
          type="button"
          class="icon-button drawer-close"
          aria-label={strings.closeChats}
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
        {children}
      </div>
    </dialog>
  )
}
