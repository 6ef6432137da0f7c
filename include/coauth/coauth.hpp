#ifndef COAUTH_COAUTH_HPP
#define COAUTH_COAUTH_HPP

#include <coauth/access_token.hpp>
#include <coauth/api_challenge.hpp>
#include <coauth/as_error_code.hpp>
#include <coauth/async_call_with_token.hpp>
#include <coauth/async_dpop_proof.hpp>
#include <coauth/async_get_access_token.hpp>
#include <coauth/authorization_server.hpp>
#include <coauth/authorize.hpp>
#include <coauth/client.hpp>
#include <coauth/client_authentication.hpp>
#include <coauth/client_config.hpp>
#include <coauth/client_counters.hpp>
#include <coauth/discover.hpp>
#include <coauth/discover_resource.hpp>
#include <coauth/dpop.hpp>
#include <coauth/error.hpp>
#include <coauth/http_headers.hpp>
#include <coauth/introspection.hpp>
#include <coauth/jwt_assertion.hpp>
#include <coauth/log_observer.hpp>
#include <coauth/observer.hpp>
#include <coauth/parse_token_response.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/secret_provider.hpp>
#include <coauth/select_client_authentication.hpp>
#include <coauth/shared_tokens.hpp>
#include <coauth/signing_key.hpp>
#include <coauth/smscx.hpp>
#include <coauth/token_cache.hpp>
#include <coauth/token_fetcher.hpp>
#include <coauth/token_rejected.hpp>
#include <coauth/token_request.hpp>
#include <coauth/token_source.hpp>
#include <coauth/token_source_options.hpp>
#include <coauth/token_store.hpp>
#include <coauth/version.hpp>

/// OAuth 2.0 access tokens for C++20 on Boost.Asio.
namespace coauth
{
} // namespace coauth

#endif
