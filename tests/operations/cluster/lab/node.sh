#!/bin/bash
# Runs as pid 1 of the lab's namespaces: network, mounts, then the programs. If one of them ends, the node ends.
set -eu
export PATH=$RUN/bin:/usr/sbin:/usr/bin:/sbin:/bin KUBECONFIG=$RUN/admin.conf
mount --make-rshared /
mount -t tmpfs tmpfs /run; mkdir -p /run/lock
# kubelet writes three machine-wide sysctls unless they already hold its values: show it files that do
for s in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1; do
  echo ${s#*=} > "$RUN/sysctl.${s##*/}"; mount --bind "$RUN/sysctl.${s##*/}" /proc/sys/${s%=*}; done
hostname lab
ip link set lo up
ip addr add 10.240.0.1/32 dev lo                       # the node's address
ip link add kube0 type bridge; ip addr add 10.244.0.1/24 dev kube0; ip link set kube0 up
ip route add 10.96.0.0/16 dev kube0                    # services: kube-proxy rewrites them before they leave
echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
# a host outside the cluster, in a network of its own: 203.0.113.10 stands for the internet (:443, and :25)
unshare --net sh -c 'until ip link set out1 up 2>/dev/null; do sleep 0.1; done; ip addr add 203.0.113.10/24 dev out1
  ip route add default via 203.0.113.1; PORT=25 probe serve & PORT=443 exec probe serve' >"$RUN/log/outside.log" 2>&1 & outside=$!
ip link add out0 type veth peer name out1; ip addr add 203.0.113.1/24 dev out0; ip link set out0 up
until [ "$(readlink /proc/$outside/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done; ip link set out1 netns $outside
for c in /sys/fs/cgroup/*/; do mkdir -p $c/$CGROUP; done
cat /sys/fs/cgroup/cpuset/cpuset.cpus > /sys/fs/cgroup/cpuset/$CGROUP/cpuset.cpus
cat /sys/fs/cgroup/cpuset/cpuset.mems > /sys/fs/cgroup/cpuset/$CGROUP/cpuset.mems
echo 12288 > /sys/fs/cgroup/cpu/$CGROUP/cpu.shares   # all pods together weigh as a dozen processes, not as one

P=$RUN/pki
start() { local n=$1; shift; "$@" >"$RUN/log/$n.log" 2>&1 & echo "$n $!" >> "$RUN/pids"; }
start etcd etcd --data-dir "$RUN/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
start containerd containerd --config "$RUN/containerd.toml"
start kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address=10.240.0.1 --secure-port=6443 \
  --tls-cert-file=$P/apiserver.crt --tls-private-key-file=$P/apiserver.key --client-ca-file=$P/ca.crt \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=$P/sa.pub --service-account-signing-key-file=$P/sa.key \
  --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
  --kubelet-client-certificate=$P/admin.crt --kubelet-client-key=$P/admin.key --kubelet-preferred-address-types=InternalIP \
  --requestheader-client-ca-file=$P/ca.crt --requestheader-allowed-names=front-proxy --requestheader-username-headers=X-Remote-User \
  --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --proxy-client-cert-file=$P/front-proxy.crt --proxy-client-key-file=$P/front-proxy.key --enable-aggregator-routing=true
until kubectl get --raw=/readyz >/dev/null 2>&1; do sleep 0.3; done
start kube-controller-manager kube-controller-manager --kubeconfig=$KUBECONFIG --leader-elect=false --bind-address=127.0.0.1 \
  --service-account-private-key-file=$P/sa.key --root-ca-file=$P/ca.crt --use-service-account-credentials --horizontal-pod-autoscaler-sync-period=${HPA_SYNC:-3s} \
  --horizontal-pod-autoscaler-initial-readiness-delay=5s
start kube-scheduler kube-scheduler --kubeconfig=$KUBECONFIG --leader-elect=false --bind-address=127.0.0.1
start kubelet kubelet --config="$RUN/kubelet.yaml" --kubeconfig=$KUBECONFIG --root-dir="$RUN/kubelet" --cert-dir="$RUN/kubelet-pki" --hostname-override=lab --node-ip=10.240.0.1
start kube-proxy kube-proxy --kubeconfig=$KUBECONFIG --hostname-override=lab --cluster-cidr=10.244.0.0/16 --proxy-mode=${PROXY_MODE:-iptables} \
  --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0s --conntrack-tcp-timeout-close-wait=0s --metrics-bind-address=127.0.0.1:10249
until kubectl get node lab >/dev/null 2>&1; do sleep 0.3; done
start netpol netpol --kubeconfig=$KUBECONFIG --node=lab
wait -n -p dead || true
echo "ended: $(grep " $dead\$" "$RUN/pids" || echo $dead)"
