// One visit as the events of three gateways. A visit is what stands in a cases file, in the names of
// a version 1 event: { httpMethod, path, queryStringParameters, headers, body, isBase64Encoded, route }.

const HOST = 'harbour.example'
const VISITOR = '203.0.113.7'
const REQUEST_ID = '01JHARB0UR0000000000000000'

/** Each from a visit whose parts are all there. */
export const SHAPES = {
  /** What Netlify's platform sends to a function of either version. */
  netlify: ({ query, ...visit }) => ({
    rawUrl: `https://${visit.headers.host}${visit.path}${query && `?${query}`}`,
    rawQuery: query,
    httpMethod: visit.httpMethod,
    multiValueHeaders: inLists(visit.headers),
    multiValueQueryStringParameters: inLists(visit.queryStringParameters),
    ...visit,
  }),

  /** API Gateway REST, payload 1.0. */
  rest: ({ query: _, route: __, ...visit }) => ({
    resource: '/{proxy+}',
    ...visit,
    headers: visit.headers,
    multiValueHeaders: inLists(visit.headers),
    queryStringParameters: orNull(visit.queryStringParameters),
    multiValueQueryStringParameters: orNull(inLists(visit.queryStringParameters)),
    pathParameters: { proxy: visit.path.slice(1) },
    stageVariables: null,
    requestContext: {
      stage: 'prod',
      requestId: REQUEST_ID,
      httpMethod: visit.httpMethod,
      path: `/prod${visit.path}`,
      protocol: 'HTTP/1.1',
      domainName: visit.headers.host,
      identity: { sourceIp: VISITOR, userAgent: visit.headers['user-agent'] },
    },
  }),

  /** A function URL, payload 2.0. */
  url: ({ query, httpMethod, path, headers, body, isBase64Encoded }) => {
    const { cookie, ...others } = headers
    return {
      version: '2.0',
      routeKey: '$default',
      rawPath: path,
      rawQueryString: query,
      ...(cookie && { cookies: cookie.split('; ') }),
      headers: others,
      requestContext: {
        accountId: 'anonymous',
        apiId: 'harbour',
        domainName: headers.host,
        domainPrefix: 'harbour',
        http: { method: httpMethod, path, protocol: 'HTTP/1.1', sourceIp: VISITOR, userAgent: headers['user-agent'] },
        requestId: REQUEST_ID,
        routeKey: '$default',
        stage: '$default',
        time: '01/May/2024:08:30:00 +0000',
        timeEpoch: 1714552200000,
      },
      ...(body !== null && { body }),
      isBase64Encoded,
    }
  },
}

export function toEvent(shape, name, visit) {
  const { headers, queryStringParameters = {}, ...rest } = visit
  const ofPlatform = { 'x-nf-client-connection-ip': VISITOR, 'x-nf-request-id': REQUEST_ID, 'x-nf-site-id': 'site-1' }
  return SHAPES[shape]({
    path: `/.netlify/functions/${name}`,
    httpMethod: 'GET',
    body: null,
    isBase64Encoded: false,
    ...rest,
    queryStringParameters,
    query: new URLSearchParams(queryStringParameters).toString(),
    headers: { host: HOST, 'user-agent': 'invoke', ...(shape === 'netlify' && ofPlatform), ...headers },
  })
}

function inLists(values) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, [value]]))
}

function orNull(values) {
  return Object.keys(values).length > 0 ? values : null
}
