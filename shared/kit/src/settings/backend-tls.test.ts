import { describe, expect, it } from '@jest/globals'
import { isPlaintext } from './backend-tls.ts'

describe('isPlaintext', () => {
  it.each([
    'redis://redis:6379',
    'redis://user:p%40ss@redis.site.org:6379/0',
    'redis+sentinel://127.0.0.1:26379,10.0.0.1:26379/main',
    'redis+cluster://10.0.0.1:6379,10.0.0.2:6379',
    'redis://localhost.site.org:6379',
    'mongodb://app:s3cr3t@mongo:27017/?authSource=admin',
    'mongodb://127.0.0.1:27017,mongo:27017/?replicaSet=main',
    'mongodb://mongo:27017/?tls=false',
    'mongodb://mongo:27017/?tls=true&tlsAllowInvalidCertificates=true',
    'mongodb+srv://mongo.site.org/?tls=false',
  ])('is true for %s', (address) => {
    expect(isPlaintext(address)).toBe(true)
  })

  it.each([
    'rediss://redis.site.org:6379',
    'rediss+sentinel://one:26379,two:26379/main',
    'redis://user:p%40ss@localhost:6379',
    'redis+cluster://127.0.0.1:7000,[::1]:7001',
    'mongodb+srv://app:s3cr3t@mongo.site.org',
    'mongodb://one:27017,two:27017/?replicaSet=main&tls=true',
    'mongodb://one:27017/?ssl=true',
    'mongodb://%2Ftmp%2Fmongodb-27017.sock/chat',
    'mongodb://[::1]:27017',
  ])('is false for %s', (address) => {
    expect(isPlaintext(address)).toBe(false)
  })
})
