const NOTES_HZ = [660, 880]
const NOTE_S = 0.14
const VOLUME = 0.08

let audio: AudioContext | undefined

/** Plays two short notes. A browser plays nothing before the operator has used the page, and complains. */
export function playSound(): void {
  // Missing in browsers of before 2023, whatever the type says.
  const activation = navigator.userActivation as UserActivation | undefined
  if (activation?.hasBeenActive === false) return
  try {
    audio ??= new AudioContext()
    for (const [index, frequency] of NOTES_HZ.entries()) {
      const start = audio.currentTime + index * NOTE_S
      const tone = new OscillatorNode(audio, { frequency, type: 'sine' })
      const gain = new GainNode(audio, { gain: 0 })
      gain.gain.setValueAtTime(VOLUME, start)
      gain.gain.exponentialRampToValueAtTime(0.0001, start + NOTE_S)
      tone.connect(gain).connect(audio.destination)
      tone.start(start)
      tone.stop(start + NOTE_S)
    }
  } catch {
    // A page without sound still shows what is new.
  }
}
