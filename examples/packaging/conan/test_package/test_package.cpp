// An invalid configuration is an error; no request is sent.

#include <coauth/coauth.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>

int main()
{
    boost::asio::io_context context;
    coauth::client client(context, coauth::client_config());
    auto const valid = client.validate();
    std::cout << (valid ? "valid" : valid.error().message()) << '\n';
    return valid ? 1 : 0;
}
