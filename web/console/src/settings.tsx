import type { User } from '@chatbox/contract'
import { IconButton } from '@chatbox/ui'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { readPreferences, writePreferences, type Preferences } from './preferences.ts'
import { signOut } from './sign-in/operator-token.ts'
import { strings } from './strings.ts'

interface SettingsProps {
  baseUrl: string
  user: User | null
}

/** How this browser tells of news, single keys, and the way out. */
export function Settings({ baseUrl, user }: SettingsProps): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  return (
    <div class="settings">
      <IconButton
        class="icon-button"
        icon="menu"
        label={strings.settings}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      />
      {isOpen && <Panel baseUrl={baseUrl} user={user} onClose={() => setOpen(false)} />}
    </div>
  )
}

function Panel({ baseUrl, user, onClose }: SettingsProps & { onClose: () => void }): JSX.Element {
  const [preferences, setPreferences] = useState(readPreferences)
  const change = (part: Partial<Preferences>): void => {
    const next = { ...preferences, ...part }
    writePreferences(next)
    setPreferences(next)
  }
  const allowNotices = async (isOn: boolean): Promise<void> => {
    const isAllowed =
      !isOn || ('Notification' in window && (await Notification.requestPermission()) === 'granted')
    change({ notices: isOn && isAllowed })
  }
  return (
    <div
      class="settings-panel"
      role="group"
      aria-label={strings.settings}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose()
      }}
    >
      {user && (
        <p class="settings-user" dir="auto">
          {user.name || user.id}
        </p>
      )}
      <Switch
        text={strings.sound}
        isOn={preferences.sound}
        onChange={(sound) => change({ sound })}
      />
      <Switch
        text={strings.notices}
        isOn={preferences.notices}
        onChange={(isOn) => void allowNotices(isOn)}
      />
      <Switch text={strings.keys} isOn={preferences.keys} onChange={(keys) => change({ keys })} />
      <button
        type="button"
        class="small-button"
        onClick={() => void signOut(baseUrl).finally(() => location.reload())}
      >
        {strings.signOut}
      </button>
    </div>
  )
}

interface SwitchProps {
  text: string
  isOn: boolean
  onChange: (isOn: boolean) => void
}

function Switch({ text, isOn, onChange }: SwitchProps): JSX.Element {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={isOn}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <span>{text}</span>
    </label>
  )
}
