import { describe, expect, it } from '@jest/globals'
import { isForbidden, isTooLong, saysTooLong } from './refused-input.ts'

describe('a question that is too long', () => {
  it.each([
    [
      'OpenAI',
      `{"error":{"message":"This model's maximum context length is 4097 tokens. However, your messages resulted in 5012 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`,
    ],
    ['OpenAI, newer', 'Your input exceeds the context window of this model. Please adjust it.'],
    ['Azure, its code alone', '{"error":{"code":"context_length_exceeded","message":"no"}}'],
    ['Anthropic', 'prompt is too long: 213462 tokens > 200000 maximum'],
    [
      'Anthropic, with the reply',
      'input length and `max_tokens` exceed context limit: 195000 + 8192 > 200000, decrease input length',
    ],
    [
      'llama.cpp',
      '{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}',
    ],
    [
      'vLLM',
      `{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages, 1000 in the completion).","code":400}`,
    ],
    ['vLLM, newer', 'The decoder prompt (length 9) is longer than the maximum model length of 8.'],
    ['SGLang', "The input (9 tokens) is longer than the model's context length (8 tokens)."],
    [
      'Mistral',
      '{"object":"error","message":"Prompt contains 65673 tokens, too large for model with 32768 maximum context length","code":"3051"}',
    ],
    ['Ollama', '{"error":"prompt too long; exceeded max context length by 20 tokens"}'],
    ['Ollama, embedded', 'the input length exceeds the context length'],
    [
      'Dify',
      '{"code":"completion_request_error","message":"Query or prefix prompt is too long, you can reduce the prefix prompt, or shrink the max token, or switch to a llm with a larger token limit size.","status":400}',
    ],
    ['Bedrock', 'Input is too long for requested model.'],
    ['Google', 'The input token count (1196265) exceeds the maximum number of tokens allowed (9).'],
    ['xAI', "This model's maximum prompt length is 131072 but the request contains 537812 tokens."],
    ['LM Studio', 'The number of tokens to keep is greater than the context length (9).'],
    ['Moonshot', 'Your request exceeded model token limit: 8192'],
    ['Cohere', 'too many tokens: size limit exceeded by 11326 tokens.'],
    ['TGI', 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5'],
    ['Qwen', 'Range of input length should be [1, 30720]'],
    [
      'Groq, above the tokens of a whole minute',
      'Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 7500',
    ],
  ])('is recognised as %s says it', (_who, text) => {
    expect(saysTooLong(text)).toBe(true)
    for (const status of [400, 413, 422, 500]) expect(isTooLong({ status, text })).toBe(true)
    for (const status of [401, 403, 404, 503]) expect(isTooLong({ status, text })).toBe(false)
  })

  it('is recognised by status 413, whatever a proxy says with it', () => {
    expect(isTooLong({ status: 413, text: '<html>413 Request Entity Too Large</html>' })).toBe(true)
    expect(isTooLong({ status: 413, text: '' })).toBe(true)
  })

  it.each([
    [
      'a limit of the reply',
      'max_tokens: 9 > 8, which is the maximum allowed number of output tokens',
    ],
    [
      'a limit of the reply',
      'max_tokens is too large: 9. This model supports at most 8 completion tokens',
    ],
    [
      'a rate',
      'Rate limit reached for tokens per minute (TPM): Limit 6000, Used 5900, Requested 200',
    ],
    ['a rate', 'Too many tokens, please wait before trying again.'],
    ['a field', "Use 'max_completion_tokens' instead of 'max_tokens'."],
    ['an outage', 'The server had an error while processing your request.'],
    ['nothing', ''],
  ])('is not %s', (_what, text) => {
    expect(isTooLong({ status: 400, text })).toBe(false)
    expect(isTooLong({ status: 429, text })).toBe(false)
  })
})

describe('an input that the rules of a server forbid', () => {
  it.each([
    `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}`,
    '{"error":{"code":"invalid_prompt","message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy."}}',
    '{"error":{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}}',
    '{"error":{"message":"Content Exists Risk","type":"invalid_request_error"}}',
  ])('is recognised: %s', (text) => {
    expect(isForbidden({ status: 400, text })).toBe(true)
    expect(isForbidden({ status: 500, text })).toBe(false)
    expect(isTooLong({ status: 400, text })).toBe(false)
  })

  it.each([
    '{"error":{"message":"Incorrect API key provided"}}',
    '{"error":{"message":"You are not allowed to use this model"}}',
    '{"error":{"message":"messages[1].content: expected a string"}}',
  ])('is not %s', (text) => {
    expect(isForbidden({ status: 400, text })).toBe(false)
  })
})
