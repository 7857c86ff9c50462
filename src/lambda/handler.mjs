// What Lambda's runtime for Node knows of functions: how they are loaded, what they find, and how they are called. It stands
// in front of the scripts that do so.

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Marks a handler that is called with a stream between event and context. */
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')

/** What the runtime has besides Node; `open` gives a stream its status and headers. */
const provide = (open) => {
  const streamifyResponse = (handler) => Object.assign(handler, { [STREAMING]: 'response' })
  globalThis.awslambda = { streamifyResponse, HttpResponseStream: { from: open } }
}

const loadModule = async (entry, way) => (way === 'require' ? createRequire(entry)(entry) : import(pathToFileURL(entry).href))

const handlerOf = (module) => module?.handler ?? module?.default?.handler

/** Until `deadline`, in milliseconds since 1970, there is time. */
const contextOf = (awsRequestId, deadline, invokedFunctionArn, clientContext = {}) => {
  const { env } = process
  return {
    awsRequestId,
    callbackWaitsForEmptyEventLoop: true,
    clientContext,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    getRemainingTimeInMillis: () => deadline - Date.now(),
    invokedFunctionArn,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  }
}

/** A handler may return a promise, or nothing and use the callback. */
const answerOf = async (handler, event, context) => {
  let ended = () => {}
  try {
    return await new Promise((resolve, reject) => {
      const settle = (error, value) => (error ? reject(error) : resolve(value))
      const value = handler(event, Object.assign(context, { done: settle, succeed: resolve, fail: reject }), settle)
      if (typeof value?.then === 'function') return value.then(resolve, reject)
      // What is returned otherwise is no answer. Who has given none when nothing is left to do will give none.
      ended = () => resolve(value && null)
      process.once('beforeExit', ended)
    })
  } finally {
    process.off('beforeExit', ended)
  }
}

