// Gets a token with a callback, without coroutines.
//
//   COAUTH_TOKEN_ENDPOINT, COAUTH_CLIENT_ID, COAUTH_CLIENT_SECRET   required
//   COAUTH_CA_FILE                                                  empty: the system's CAs

#include <coauth/token_source.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>

namespace asio = boost::asio;

coauth::client_config config_from_environment()
{
    coauth::client_config config;
    if (char const* const url = std::getenv("COAUTH_TOKEN_ENDPOINT"))
        config.server.token_endpoint = url;
    config.authentication = coauth::client_authentication::client_secret_basic(
        std::getenv("COAUTH_CLIENT_ID"), std::getenv("COAUTH_CLIENT_SECRET"));
    if (char const* const file = std::getenv("COAUTH_CA_FILE"))
        config.tls.ca_file = file;
    return config;
}

int main()
{
    asio::io_context context;
    coauth::client client(context, config_from_environment());
    coauth::token_source tokens(client, coauth::token_request().scope("read"));

    int status = EXIT_FAILURE;
    tokens.async_get_access_token(
        [&status](coauth::result<coauth::access_token> token)
        {
            if (!token)
            {
                std::cerr << token.error() << '\n';
                return;
            }
            std::cout << *token << '\n';
            status = EXIT_SUCCESS;
        });

    // The call above only starts the operation. The callback runs inside run().
    context.run();
    return status;
}
