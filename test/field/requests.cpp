// Requests and what servers make of them: repeated secrets, redirects, host names, proxies.

#include "response_fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <thread>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(requests)

namespace
{

constexpr char const* json = "application/json";
constexpr char const* plain = "text/plain";

std::string percent_encode(std::string_view text, std::string_view digits, bool all = false)
{
    std::string out;
    for (char const c : text)
    {
        auto const byte = static_cast<unsigned char>(c);
        bool const stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (stays && !all)
            out += c;
        else
            out.append("%").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
    return out;
}

std::string base64(std::string_view text, std::string_view last = "+/")
{
    std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    alphabet += last;
    std::string out;
    unsigned bits = 0;
    int count = 0;
    for (char const c : text)
    {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (count += 8; count >= 6;)
        {
            count -= 6;
            out += alphabet[bits >> count & 63];
        }
    }
    return count != 0 ? out + alphabet[bits << (6 - count) & 63] : out;
}

std::string replaced(std::string text, std::string const& part, std::string const& by)
{
    text.replace(text.find(part), part.size(), by);
    return text;
}

// The host of `config().server.token_endpoint`.
std::string host_of(std::string const& url)
{
    auto const begin = url.find("://") + 3;
    return url.substr(begin, url.find('/', begin) - begin);
}

// A proxy that refuses every tunnel, and the request that it received.
std::string connect_request(coauth::client_config config)
{
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(
        context, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    config.proxy.url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    std::string received;
    std::thread proxy(
        [&]
        {
            auto socket = acceptor.accept();
            asio::read_until(socket, asio::dynamic_buffer(received), "\r\n\r\n");
            asio::write(socket, asio::buffer("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"s));
        });
    asio::io_context client_context;
    coauth::client client(client_context, std::move(config));
    client.async_get_access_token(
        coauth::token_request(),
        [&](coauth::result<coauth::access_token> const& got)
        {
            BOOST_TEST(outcome(got) == "proxy_refused");
            BOOST_TEST(!got.error().is_authentication_failure());
            client.close();
        });
    client_context.run();
    proxy.join();
    return received;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_repeated_secret_is_redacted_in_every_encoding)
{
    scripted_server server;
    std::string const secret = client_secret;
    std::string const pair = client_id + ":"s + secret;
    std::string const form = percent_encode(secret, "0123456789ABCDEF");
    for (auto const& [name, echo] : std::vector<std::pair<char const*, std::string>>{
             {"as it is", secret},
             {"upper case", form},
             {"lower case", percent_encode(secret, "0123456789abcdef")},
             {"mixed case", replaced(form, "%3A", "%3a")},
             {"every character", percent_encode(secret, "0123456789abcdef", true)},
             {"space as plus", replaced(form, "%20", "+")},
             {"only what must be", replaced(replaced(secret, " ", "%20"), "<", "%3C")},
             {"HTML",
              replaced(replaced(replaced(secret, "&", "&amp;"), "<", "&lt;"), "\"", "&#x22;")},
             {"JSON escapes", replaced(secret, "<", "\\u003C")},
             {"Base64", base64(secret)},
             {"Base64 of the pair", base64(pair)},
             {"Base64 of the encoded pair", base64(client_id + ":"s + form)},
             {"Base64, other alphabet", base64(pair, "-_")},
             {"Base64 cut short", base64(pair).substr(0, 16)},
             {"Base64 cut short, not at four", base64(pair).substr(0, 19)},
             {"Base64 of the end", base64(pair).substr(7)},
             {"Base64 of more", base64("client_secret=" + secret + "&x=y")},
         })
        for (bool const in_json : {true, false})
            BOOST_TEST_CONTEXT(name << " in JSON " << in_json)
            {
                std::string escaped;
                for (char const c : echo)
                    escaped.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
                auto const e = server.get_error(
                    in_json ? document(
                                  400, json,
                                  R"({"error":"x","error_description":"got )" + escaped +
                                      R"( here","seen":")" + escaped + "\"}")
                            : document(400, plain, "got " + echo + " here"));
                BOOST_TEST(contains(e.description(), "got ***"), e.description());
                BOOST_TEST(contains(e.description(), " here"), e.description());
                std::string all = e.message();
                for (auto const& member : e.members())
                    all += member.json;
                for (auto const& part : {secret, echo, echo.substr(0, 12), form})
                    BOOST_TEST(!contains(all, part), all);
            }
}

// Ordinary words are not masked.
BOOST_AUTO_TEST_CASE(other_text_is_not_redacted)
{
    scripted_server server;
    std::string const text =
        "Authentication/authorization of app failed: 100% of %20 and &lt; in dGhlIHF1aWNrIGJyb3du";
    auto const e = server.get_error(
        document(400, json, R"({"error":"x","error_description":")" + text + "\"}"));
    BOOST_TEST(e.description() == text);
}

BOOST_AUTO_TEST_CASE(redirects_name_their_target_without_its_query)
{
    scripted_server server;
    auto const host = host_of(server.config().server.token_endpoint);
    for (auto const& [location, target] : std::vector<std::pair<std::string, std::string>>{
             {"https://login.example/down?ticket=hush", "https://login.example/down"},
             {"HTTPS://login.example:8443/a#hush", "https://login.example:8443/a"},
             {"http://user:hush@login.example/a", "http://login.example/a"},
             {"https://login.example", "https://login.example/"},
             {"https://login.example?hush", "https://login.example/"},
             {"//login.example/a?hush", "https://login.example/a"},
             {"/maintenance?hush", "https://" + host + "/maintenance"},
             {"maintenance?hush", "https://" + host + "/oauth/maintenance"},
             {"?hush", "https://" + host + "/oauth/token"},
         })
        BOOST_TEST_CONTEXT(location)
        {
            response scripted;
            scripted.status = 302;
            scripted.headers.add("Location", location);
            auto const e = server.get_error(scripted);
            BOOST_TEST((e == coauth::errc::redirect_refused));
            BOOST_TEST(contains(e.message(), "it leads to " + target + " ["), e.message());
            BOOST_TEST(!contains(e.message(), "hush"), e.message());
        }
    for (auto const* location : {"", "javascript:hush", "mailto:hush@x"})
    {
        response scripted;
        scripted.status = 302;
        scripted.headers.add("Location", location);
        auto const message = server.get_error(scripted).message();
        BOOST_TEST(!contains(message, "leads to"), message);
        BOOST_TEST(!contains(message, "hush"), message);
    }
}

BOOST_AUTO_TEST_CASE(hosts_that_are_refused_with_advice)
{
    scripted_server server;
    for (auto const& [url, advice] : std::vector<std::pair<std::string, std::string>>{
             {"https://b\xC3\xBC"
              "cher.example/t",
              "'xn--bcher-kva.example'"},
             {"https://B\xC3\x9C"
              "CHER.example:8443/t",
              "'xn--bcher-kva.example'"},
             {"https://\xD0\xBF\xD1\x80\xD0\xB8\xD0\xBC\xD0\xB5\xD1\x80.example/t",
              "'xn--e1afmkfd.example'"},
             {"https://as.\xE4\xBE\x8B\xE3\x81\x88/t", "'as.xn--r8jz45g'"},
             {"https://as\xE3\x80\x82\xE4\xBE\x8B\xE3\x81\x88/t", "'as.xn--r8jz45g'"},
             {"https://\xC5\x81\xC3\x93"
              "D\xC5\xB9.example/t",
              "'xn--d-uga0v4h.example'"},
             {"https://\xC5\xA0koda.example/t", "'xn--koda-f6a.example'"},
             // Its small letter is not known: the form is not guessed.
             {"https://\xC7\x84.example/t", "(xn--...)"},
             // Needs normalization: the form is not guessed.
             {"https://bu\xCC\x88"
              "cher.example/t",
              "(xn--...)"},
             {"https://b\xC3.example/t", "(xn--...)"},
             {"https://as.example/gr\xC3\xBC\xC3\x9F/t", "percent-encode"},
             {"https://[fe80::1%25eth0]/t", "a zone, which is not supported"},
             {"https://[fe80::1%eth0]:8443/t", "a zone, which is not supported"},
         })
        BOOST_TEST_CONTEXT(url)
        {
            auto config = server.config();
            config.server.token_endpoint = url;
            asio::io_context context;
            coauth::client client(context, config);
            client.async_get_access_token(
                coauth::token_request(),
                [&, expected = advice](coauth::result<coauth::access_token> const& got)
                {
                    BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
                    BOOST_TEST(contains(got.error().message(), expected), got.error().message());
                });
            context.run();
        }
}

BOOST_AUTO_TEST_CASE(a_tunnel_request_has_the_user_agent)
{
    scripted_server server;
    auto config = server.config();
    config.user_agent = "my-app/1.0";
    BOOST_TEST(contains(connect_request(config), "\r\nUser-Agent: my-app/1.0\r\n"));
    config.user_agent.clear();
    BOOST_TEST(!contains(connect_request(config), "User-Agent"));
}

BOOST_AUTO_TEST_SUITE_END()
