import { Decoder, Encoder } from 'socket.io-parser'

/**
 * The protocol without binary attachments: no event of ours has one, and a packet that announces
 * some would have to be kept until they arrive. Whatever is not a packet makes the decoder throw,
 * and Socket.IO closes that connection.
 */
class TextOnlyDecoder extends Decoder {
  constructor() {
    super({ maxAttachments: 0 })
  }
}

export const textOnlyParser = { Encoder, Decoder: TextOnlyDecoder }
