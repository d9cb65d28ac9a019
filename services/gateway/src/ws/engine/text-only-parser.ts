import { Decoder, Encoder } from 'socket.io-parser'

type Listener = (packet: unknown) => void

/**
 * The protocol without binary attachments: no event of ours has one, and a packet that announces
 * some would have to be kept until they arrive. Whatever is not a packet makes the decoder throw,
 * and Socket.IO closes that connection. Without attachments nothing is kept from one packet to the
 * next, so each connection holds a listener and no decoder.
 */
class TextOnlyDecoder {
  #onDecoded: Listener | undefined

  /** Socket.IO listens once, to `decoded`, the one event that there is. */
  on(_event: 'decoded', listener: Listener): void {
    this.#onDecoded = listener
  }

  removeListener(): void {
    this.#onDecoded = undefined
  }

  add(chunk: unknown): void {
    const decoder = new Decoder({ maxAttachments: 0 })
    decoder.on('decoded', (packet) => this.#onDecoded?.(packet))
    decoder.add(chunk)
  }

  destroy(): void {
    this.#onDecoded = undefined
  }
}

export const textOnlyParser = { Encoder, Decoder: TextOnlyDecoder }
