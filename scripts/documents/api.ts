import { asyncApiDocument, openApiDocument } from '@chatbox/contract'
import { layOut, type Documents } from './documents.ts'

const PATH_PREFIX = '/chatbox'

/** What the contract says of HTTP and of the socket, for other people's tools. */
export async function toApiDocuments(): Promise<Documents> {
  const openApi = openApiDocument({ pathPrefix: PATH_PREFIX })
  const asyncApi = asyncApiDocument({ pathPrefix: PATH_PREFIX })
  return {
    'docs/openapi.json': await layOut(JSON.stringify(openApi), 'json'),
    'docs/asyncapi.json': await layOut(JSON.stringify(asyncApi), 'json'),
  }
}
