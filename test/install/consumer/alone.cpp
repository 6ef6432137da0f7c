// Uses the library without the testing server: an invalid configuration is reported without a
// socket.
#include <coauth/coauth.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <iostream>

int main()
{
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), coauth::client_config());
    auto token = client.async_get_access_token(coauth::token_request(), boost::asio::use_future);
    context.run();
    auto const outcome = token.get();
    if (outcome)
        return 1;
    std::cout << outcome.error() << '\n';
    return outcome.error() == coauth::errc::invalid_configuration ? 0 : 1;
}
