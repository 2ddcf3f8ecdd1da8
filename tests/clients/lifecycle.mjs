// The life of a token as openid-client leads it: discovered, granted, introspected, revoked, introspected.
//
//   node lifecycle.mjs ISSUER CLIENT_ID (KEY.pem --kid=KID | --secret=SECRET) [--scope=SCOPE]
//
// Prints one line of JSON: {"granted": …, "before": …, "after": …} or {"failure": …}.
import { parseArgs } from 'node:util'
import * as client from 'openid-client'
import { byKey, connect, failure } from './session.mjs'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { kid: { type: 'string' }, secret: { type: 'string' }, scope: { type: 'string' } },
})
const [issuer, clientId, file] = positionals

try {
  const config = values.secret
    ? await connect(issuer, clientId, client.ClientSecretBasic(values.secret))
    : await byKey(issuer, clientId, file, values.kid)
  const granted = await client.clientCredentialsGrant(config, values.scope ? { scope: values.scope } : {})
  const before = await client.tokenIntrospection(config, granted.access_token)
  await client.tokenRevocation(config, granted.access_token)
  const after = await client.tokenIntrospection(config, granted.access_token)
  console.log(JSON.stringify({ granted, before, after }))
} catch (error) {
  console.log(JSON.stringify({ failure: failure(error) }))
}
