// An authorization server for the rows of interop.cpp, at a free port of 127.0.0.1.
//
//   node server.mjs CERTIFICATE KEY
//
// Prints its issuer when it is ready, and ends with its standard input: a parent that dies in
// whatever way takes it along.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider, { errors } from 'oidc-provider';

process.stdin.resume().on('end', () => process.exit()).on('error', () => process.exit());

const [certificate, key] = process.argv.slice(2);

// client_id, client_secret, and what else is registered of a client.
const clients = [
  ['basic', 'basic-secret'],
  ['post', 'post-secret', { token_endpoint_auth_method: 'client_secret_post' }],
  // What an encoding may get wrong, as far as RFC 6749 appendix A allows it in credentials.
  ['id:with+%/ &=?#"~*', 's:e+c%72/e&t =?#"~*\\'],
  ['plus+id', 'plus+secret'],
  ['long', 's'.repeat(2000)],
  ['reader', 'reader-secret', { scope: 'read' }],
  ['expired', 'expired-secret', { client_secret_expires_at: 1 }],
  ['other-grant', 'other-grant-secret', {
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: ['https://client.example/'] }],
  ['public', undefined, { token_endpoint_auth_method: 'none' }],
  ['assertion', undefined, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{
    kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] } }],
  ['dpop', 'dpop-secret', { dpop_bound_access_tokens: true }],
  ['certificate-bound', 'certificate-bound-secret',
    { tls_client_certificate_bound_access_tokens: true }],
];

const resources = {
  'https://opaque.example/': { scope: 'read write', accessTokenTTL: 120 },
  'https://jwt.example/api?v=1&x=a+b': {
    scope: 'read', accessTokenTTL: 300, accessTokenFormat: 'jwt' },
};

function resourceServer(ctx, resource) {
  if (resource === 'https://broken.example/') throw new Error('the database is gone');
  if (!Object.hasOwn(resources, resource)) throw new errors.InvalidTarget();
  return resources[resource];
}

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
server.listen(0, '127.0.0.1', () => {
  const issuer = `https://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: clients.map(([client_id, client_secret, more]) => ({
      client_id,
      client_secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      ...more,
    })),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none', 'private_key_jwt'],
    scopes: ['read', 'write', 'admin'],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      mTLS: {
        enabled: true, certificateBoundAccessTokens: true, getCertificate: () => undefined },
      resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
    },
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
