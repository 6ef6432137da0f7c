// Awaits a token from the testing server.
#include <coauth/coauth.hpp>
#include <coauth/testing/authorization_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

boost::asio::awaitable<void> fetch(coauth::client& client, bool& done)
{
    auto const token = co_await client.async_get_access_token();
    if (!token)
    {
        std::cout << token.error() << '\n';
        co_return;
    }
    std::cout << *token << '\n';
    done = token->authorization().starts_with("Bearer ");
}

int main()
{
    auto server = coauth::testing::authorization_server::start();
    if (!server)
    {
        std::cout << server.error() << '\n';
        return 1;
    }
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), server->config());
    bool done = false;
    boost::asio::co_spawn(context, fetch(client, done), boost::asio::detached);
    context.run();
    return done ? 0 : 1;
}
