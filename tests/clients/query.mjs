// Ask the gatekeeper one question, as a partner agency would.
//
//   node query.mjs ISSUER CLIENT_ID KEY.pem [--kid=KID] [--path=/v1/queries] [--scope=SCOPE] < request.json
//
// Prints one line of JSON: {"status": …, "body": …}; for a failure before the query {"failure": {…}}, exit 1.
import { parseArgs } from 'node:util'
import { text } from 'node:stream/consumers'
import * as client from 'openid-client'
import { byKey, failure } from './session.mjs'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kid: { type: 'string' },
    path: { type: 'string', default: '/v1/queries' },
    scope: { type: 'string', default: 'reads:query' },
  },
})
const [issuer, clientId, file] = positionals

try {
  const config = await byKey(issuer, clientId, file, values.kid)
  const { access_token: token } = await client.clientCredentialsGrant(config, { scope: values.scope })
  const body = await text(process.stdin)
  const response = await client.fetchProtectedResource(
    config,
    token,
    new URL(values.path, issuer),
    body ? 'POST' : 'GET',
    body || null,
    new Headers(body ? { 'content-type': 'application/json' } : {}),
  )
  const answered = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  console.log(JSON.stringify({ status: response.status, body: isJson ? JSON.parse(answered) : answered }))
} catch (error) {
  // A challenge is an answer too: the library throws on WWW-Authenticate.
  if (error.code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' && error.response && !error.response.bodyUsed) {
    console.log(JSON.stringify({ status: error.status, body: await error.response.json() }))
  } else {
    console.log(JSON.stringify({ failure: failure(error) }))
    process.exitCode = 1
  }
}
