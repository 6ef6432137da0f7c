#include "crypto/key_source.hpp"

#include "values/signing_key_data.hpp"

#include <utility>

namespace coauth::crypto
{

namespace
{

key_files files_of(signing_key const& source)
{
    auto const& data = detail::signing_key_access::data(source);
    return data ? key_files(data->path, data->certificate_path) : key_files({}, {});
}

} // namespace

key_source::key_source(signing_key source, std::string subject)
    : source_(std::move(source))
    , subject_(std::move(subject))
    , files_(files_of(source_))
{
    (void)current();
}

result<key_source::key_ptr> key_source::current(clock::time_point now)
{
    {
        std::lock_guard const lock(mutex_);
        if (key_ && files_.are_current(versions_))
        {
            failure_.reset();
            return key_;
        }
        if (failure_ && !files_.any())
            return *failure_;
    }
    auto const versions = files_.on_disk();
    // Without the lock: it may call the user's function for the pass-phrase.
    auto loaded = private_key::load(source_, subject_, std::chrono::system_clock::now());
    std::lock_guard const lock(mutex_);
    if (loaded)
    {
        versions_ = versions;
        key_ = std::move(*loaded);
        failure_.reset();
        return key_;
    }
    if (!failure_)
        failing_since_ = now;
    failure_ = loaded.error();
    bool const usable = key_ && now - failing_since_ < grace;
    return usable ? result<key_ptr>(key_) : result<key_ptr>(*failure_);
}

} // namespace coauth::crypto
