# Debian's Asterisk 22 with our include files. Not run by the project's own tests.
FROM debian:forky-slim
RUN apt-get update && apt-get install -y --no-install-recommends asterisk asterisk-core-sounds-en-wav \
    && rm -rf /var/lib/apt/lists/*
# The same number as the service's user: the include files are readable by it alone, and both work in /data.
RUN usermod --uid 1000 asterisk && install -d -o asterisk /run/asterisk \
    && chown -R asterisk /etc/asterisk /var/lib/asterisk /var/log/asterisk /var/spool/asterisk /var/cache/asterisk
# The include files lie in /etc/asterisk/presszero, written there by `presszero pbx config`; join them once.
# Transports and your trunk belong into pjsip.conf besides.
RUN for name in extensions queues pjsip manager; do \
        echo "#include presszero/${name}_presszero.conf" >>"/etc/asterisk/${name}.conf"; done \
    && printf '[mappings]\n#include presszero/cdr_custom_presszero.conf\n' >/etc/asterisk/cdr_custom.conf \
    && sed -i 's/^;*enabled *=.*/enabled = yes/; /^\[general\]/a timestampevents = yes' /etc/asterisk/manager.conf \
    && printf '[global]\ntype=global\nmax_initial_qualify_time=1\n' >>/etc/asterisk/pjsip.conf \
    && sed -i '/^\[options\]/a transmit_silence = yes' /etc/asterisk/asterisk.conf
CMD ["asterisk", "-f", "-U", "asterisk"]
