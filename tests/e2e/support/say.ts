import { streamReply, type Answer } from '../../environment/model-server.ts'

/** The same text to every question, word for word, in pieces of so many characters. */
export function say(text: string, pieceLength = 12, intervalMs = 1): Answer {
  // Cut at code points: a model sends whole characters.
  const points = Array.from(text)
  const pieces = Array.from({ length: Math.ceil(points.length / pieceLength) }, (_, index) =>
    points.slice(index * pieceLength, (index + 1) * pieceLength).join(''),
  )
  return streamReply({ pieces, intervalMs })
}
