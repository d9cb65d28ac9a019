import { randomBytes } from 'node:crypto'

/** Settings with which workers ask the model server at `url`. */
export function toModelSettings({ url }: { url: string }): Record<string, string> {
  return {
    LLM_CONCURRENCY: '200',
    LLM_PROVIDER_1_ID: 'numbered',
    LLM_PROVIDER_1_TYPE: 'openai',
    LLM_PROVIDER_1_ENDPOINT: `${url}/v1`,
    LLM_PROVIDER_1_API_KEY: randomBytes(24).toString('base64url'),
    LLM_PROVIDER_1_MODEL: 'numbered',
  }
}
