import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Command } from './commands.ts'
import { readPreferences } from './preferences.ts'
import { strings } from './strings.ts'

/**
 * Runs a command by its single key, unless the operator writes or has turned single keys off; with
 * Ctrl + K or Cmd + K the palette opens in any case.
 */
export function useKeys(commands: readonly Command[], isPalette: boolean): void {
  // What is on the screen counts, also before effects have run.
  const latest = useRef({ commands, isPalette })
  latest.current = { commands, isPalette }
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing || event.repeat || latest.current.isPalette) return
      const wanted = toWantedKey(event)
      const command = latest.current.commands.find(({ key }) => key !== undefined && key === wanted)
      if (!command) return
      event.preventDefault()
      command.run()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}

/** Returns the key of the command that is meant. */
function toWantedKey({ key, ctrlKey, metaKey, altKey, target }: KeyboardEvent): string | undefined {
  const small = key.toLowerCase()
  if (ctrlKey || metaKey) return small === 'k' ? '?' : undefined
  return altKey || isWriting(target) || !readPreferences().keys ? undefined : small
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select')
}

interface PaletteProps {
  commands: readonly Command[]
  onClose: () => void
}

/** All commands, found by their names. */
export function Palette({ commands, onClose }: PaletteProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  useEffect(() => dialog.current?.showModal(), [])
  const wanted = text.trim().toLowerCase()
  const found = commands.filter(({ name }) => name.toLowerCase().includes(wanted))
  const chosen = Math.min(at, found.length - 1)
  const run = (command: Command | undefined): void => {
    if (!command) return
    onClose()
    // After the dialog has given the focus back.
    setTimeout(command.run)
  }
  const onKey = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 }
    const by = steps[event.key]
    if (by !== undefined) {
      event.preventDefault()
      setAt((chosen + by + found.length) % Math.max(1, found.length))
    }
    if (event.key === 'Enter') {
      event.preventDefault()
      run(found[chosen])
    }
  }
  return (
    <dialog class="palette" ref={dialog} aria-label={strings.palette} onClose={onClose}>
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="commands"
        aria-activedescendant={found[chosen] ? `command-${String(chosen)}` : undefined}
        aria-label={strings.palette}
        placeholder={strings.paletteHint}
        value={text}
        onInput={({ currentTarget }) => {
          setText(currentTarget.value)
          setAt(0)
        }}
        onKeyDown={onKey}
      />
      <ul id="commands" role="listbox" aria-label={strings.shortcuts}>
        {found.map((command, index) => (
          <li
            key={command.name}
            id={`command-${String(index)}`}
            role="option"
            aria-selected={index === chosen}
            onClick={() => run(command)}
          >
            <span>{command.name}</span>
            {command.key !== undefined && <kbd>{command.key.toUpperCase()}</kbd>}
          </li>
        ))}
      </ul>
    </dialog>
  )
}
