import path from 'node:path'
import express, { type RequestHandler, type Response, type Router } from 'express'

const ASSET_MAX_AGE_MS = 365 * 24 * 60 * 60 * 1000

/** The built chat page: hashed assets that never change, and a document that is always asked for. */
export function createPages(webRoot: string): Router {
  const router = express.Router()
  const sendPage: RequestHandler = (_request, response, next) => {
    response.setHeader('Cache-Control', 'no-cache')
    response.sendFile('index.html', { root: webRoot, cacheControl: false }, (error?: Error) => {
      if (error && !response.headersSent) next(error)
    })
  }
  router.get('/', sendPage)
  router.use(
    express.static(webRoot, {
      index: false,
      redirect: false,
      dotfiles: 'ignore',
      setHeaders: (response: Response, file) => setCaching(response, path.relative(webRoot, file)),
      cacheControl: false,
    }),
  )
  return router
}

/** Vite puts what it names by its content, and only that, below `assets`. */
function setCaching(response: Response, file: string): void {
  const isHashed = file.split(path.sep)[0] === 'assets'
  const lasting = `public, max-age=${ASSET_MAX_AGE_MS / 1000}, immutable`
  response.setHeader('Cache-Control', isHashed ? lasting : 'no-cache')
}
