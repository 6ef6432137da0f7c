#include "crypto/passphrase.hpp"

#include <cstring>

namespace coauth::crypto
{

int passphrase_callback::copy_to(char* buffer, std::size_t size) noexcept
{
    was_called_ = true;
    if (!provider_)
        return -1;
    try
    {
        failure_ = "its function threw an exception";
        auto const passphrase = provider_();
        if (!passphrase)
            failure_ = passphrase.error().message();
        else if (passphrase->size() > size)
            failure_ = "it is longer than " + std::to_string(size) + " bytes";
        else
        {
            failure_.clear();
            if (!passphrase->empty())
                std::memcpy(buffer, passphrase->view().data(), passphrase->size());
            return static_cast<int>(passphrase->size());
        }
    }
    catch (...)
    {
        return -1;
    }
    return -1;
}

} // namespace coauth::crypto
