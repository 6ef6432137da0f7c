#include "redis_process.hpp"

#include "certificates.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <hiredis/hiredis.h>
#include <memory>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace test
{

namespace
{

using context_ptr = std::unique_ptr<redisContext, decltype(&redisFree)>;
using reply_ptr = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

std::uint16_t free_port()
{
    using boost::asio::ip::tcp;
    boost::asio::io_context context;
    tcp::acceptor const acceptor(context, {boost::asio::ip::address_v4::loopback(), 0});
    return acceptor.local_endpoint().port();
}

std::string text_of(redisReply const& reply)
{
    if (reply.type == REDIS_REPLY_INTEGER)
        return std::to_string(reply.integer);
    if (reply.type == REDIS_REPLY_NIL)
        return "(nil)";
    std::string text(reply.str != nullptr ? std::string(reply.str, reply.len) : std::string());
    if (reply.type == REDIS_REPLY_ARRAY)
        for (std::size_t i = 0; i < reply.elements; ++i)
            text += text_of(*reply.element[i]) + "\n";
    return text;
}

reply_ptr run(redisContext& context, std::vector<std::string> const& words)
{
    std::vector<char const*> texts;
    std::vector<std::size_t> sizes;
    for (auto const& word : words)
    {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    void* const reply =
        redisCommandArgv(&context, static_cast<int>(words.size()), texts.data(), sizes.data());
    return {static_cast<redisReply*>(reply), freeReplyObject};
}

context_ptr connect(std::uint16_t port)
{
    timeval const limit{5, 0};
    context_ptr context(redisConnectWithTimeout("127.0.0.1", port, limit), redisFree);
    if (context && context->err == 0)
        redisSetTimeout(context.get(), limit);
    return context;
}

certificate_spec spec(std::string name, std::string constraints, std::string usage)
{
    certificate_spec made;
    made.common_name = std::move(name);
    made.basic_constraints = std::move(constraints);
    made.key_usage = std::move(usage);
    made.key_identifiers = true;
    // Also by clocks that are wrong.
    made.not_before = -86'400;
    made.not_after = 86'400;
    return made;
}

} // namespace

redis_process::redis_process(std::string more_configuration)
    : more_configuration_(std::move(more_configuration))
{
    std::string name = (std::filesystem::temp_directory_path() / "coauth-redis-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw std::runtime_error("there is no directory for redis-server");
    directory_ = name;
    make_certificates();
    // Another process may take a port in between.
    for (int attempt = 0;; ++attempt)
    {
        port_ = free_port();
        tls_port_ = free_port();
        try
        {
            start();
            return;
        }
        catch (std::runtime_error const&)
        {
            kill();
            if (attempt == 4)
                throw;
        }
    }
}

redis_process::~redis_process()
{
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

void redis_process::make_certificates()
{
    auto const ca_key = make_p256_key();
    auto const ca = issue_certificate(
        spec("Redis CA", "critical,CA:TRUE", "critical,keyCertSign,cRLSign"), *ca_key);
    certificate_issuer const issuer{*ca, *ca_key};
    auto const issue = [&](certificate_spec const& what)
    {
        auto const key = make_p256_key();
        return certificate_pem(*issue_certificate(what, *key, &issuer)) + private_key_pem(*key);
    };
    auto server = spec("localhost", "critical,CA:FALSE", "critical,digitalSignature");
    server.alternative_names = "DNS:localhost,IP:127.0.0.1";
    write("server.pem", issue(server));
    client_pem_ = issue(spec("client", "critical,CA:FALSE", "critical,digitalSignature"));
    ca_pem_ = certificate_pem(*ca);
    write("ca.pem", ca_pem_);
}

void redis_process::write(std::string const& name, std::string const& text) const
{
    std::ofstream(directory_ + "/" + name, std::ios::binary) << text;
}

void redis_process::start()
{
    write(
        "redis.conf",
        "bind 127.0.0.1\nport " + std::to_string(port_) + "\ntls-port " +
            std::to_string(tls_port_) +
            "\ntls-cert-file server.pem\ntls-key-file server.pem\ntls-ca-cert-file ca.pem\n"
            "tls-auth-clients optional\nsave \"\"\nappendonly no\ndaemonize no\nlogfile redis.log\n"
            "dir " +
            directory_ +
            "\nuser default off\nuser admin on nopass ~* +@all\n"
            "user coauth on nopass ~coauth:* +get +set +del +pttl +pexpire +exists +getrange "
            "+evalsha +eval +select +asking\n" +
            more_configuration_ + "\n");
    process_ = ::fork();
    if (process_ == 0)
    {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        char const* const program = std::getenv("COAUTH_REDIS_SERVER");
        if (::chdir(directory_.c_str()) == 0)
            ::execlp(
                program != nullptr ? program : "redis-server", "redis-server", "redis.conf",
                static_cast<char*>(nullptr));
        ::_exit(127);
    }
    await_start();
    command({"ACL", "SETUSER", "coauth", "resetpass", std::string(">") + password});
}

void redis_process::await_start() const
{
    auto const ends = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < ends)
    {
        auto const context = connect(port_);
        if (context && context->err == 0 && run(*context, {"AUTH", "admin", "x"}))
            return;
        int status = 0;
        if (::waitpid(process_, &status, WNOHANG) == process_)
            break;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("redis-server does not start; is Debian's redis-server installed?");
}

coauth::redis_options redis_process::options() const
{
    coauth::redis_options options;
    options.url = "rediss://localhost:" + std::to_string(tls_port_);
    options.user = "coauth";
    options.password = [] { return coauth::secret(password); };
    options.prefix = "coauth:";
    options.tls.ca_pem = ca_pem_;
    return options;
}

std::string redis_process::command(std::vector<std::string> const& words) const
{
    auto const context = connect(port_);
    if (!context || context->err != 0)
        throw std::runtime_error("no connection to redis-server");
    run(*context, {"AUTH", "admin", "x"});
    auto const reply = run(*context, words);
    return reply ? text_of(*reply) : std::string(context->errstr);
}

void redis_process::stop()
{
    ::kill(process_, SIGSTOP);
}

void redis_process::resume()
{
    ::kill(process_, SIGCONT);
}

void redis_process::kill()
{
    kill_process(process_);
}

void kill_process(pid_t& process)
{
    if (process <= 0)
        return;
    ::kill(process, SIGKILL);
    int status = 0;
    ::waitpid(process, &status, 0);
    process = -1;
}

} // namespace test
